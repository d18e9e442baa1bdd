"""The features of features.json as clients for Python have them."""

import asyncio
from datetime import datetime, timedelta, timezone

import msgpack

from cell import Cannot, Record, equal, rejects, unique, within

FEATURES = {}


def feature(name):
    def register(run):
        FEATURES[name] = run
        return run

    return register


@feature("results")
async def results(cell):
    hub = await cell.connect()
    equal(await hub.invoke("Add", 2, 40), 42)
    equal(await hub.invoke("Nothing"), None)
    equal(await hub.invoke("Greet", {"name": "Ann", "age": 36}), "Ann is 36")
    value = {"list": [1, [2.5, True]], "none": None, "odd key ": {"deep": []}}
    equal(await hub.invoke("Echo", value), value)


@feature("errors")
async def errors(cell):
    hub = await cell.connect()
    broke, failed = "An unexpected error occurred invoking '{}' on the server.", "Failed to invoke '{}' due to an error on the server."
    await rejects(hub.invoke("Refuse"), broke.format("Refuse") + " HubException: No entry.")
    await rejects(hub.invoke("None"), failed.format("None") + " HubException: Method does not exist.")
    await rejects(hub.invoke("Add", "one", 2), failed.format("Add"))
    equal(await hub.invoke("Add", 1, 1), 2, "afterwards")


@feature("send")
async def send(cell):
    hub = await cell.connect()
    key = unique("sent")
    await hub.send("Note", key)
    equal(await hub.invoke("Noted", key), True)


@feature("calls by the server")
async def calls_by_the_server(cell):
    hub = cell.build()
    seen = Record()
    hub.on("Shapes", lambda *values: seen.push(list(values)))
    hub.on("Signal", lambda *values: seen.push(list(values)))
    await within(hub.start(), "start")
    await hub.invoke("Shapes")
    equal(await seen.next("Shapes"), [1, "two", [3, 4], {"five": 5, "none": None}, None, "Grüße, 世界 👋🏽", 6.5, True])
    equal(await seen.next("Signal"), [])


@feature("client results")
async def client_results(cell):
    hub = cell.build()
    hub.on("Answer", lambda question: f"{question}!")

    def fail(question):
        raise ValueError("not today")

    await within(hub.start(), "start")
    if cell.module.__name__ == "signalrcore_client":
        equal(await hub.invoke("AskBriefly", 300), "The client did not answer in time.", "what the server sees")
        raise Cannot("It calls the handler and sends no result.")
    hub.on("Fail", fail)
    equal(await hub.invoke("Ask", "Answer", "well"), "well!")
    seen = await hub.invoke("AskFor", "Fail", 0)
    equal("not today" in seen, True, f"the handler's error in {seen!r}")


@feature("stream down")
async def stream_down(cell):
    hub = await cell.connect()
    equal(await (await hub.stream("Range", 5, 0)).all(), ([0, 1, 2, 3, 4], None))
    items, error = await (await hub.stream("FailAfter", 2, "That is all.")).all()
    equal(items, [0, 1], "items before the error")
    equal(str(error).endswith("HubException: That is all."), True, f"the error in {error!r}")


@feature("cancel")
async def cancel(cell):
    hub = await cell.connect()
    key = unique("endless")
    reading = await hub.stream("Endless", key)
    equal(await reading.next(), 0)
    await reading.cancel()
    equal(await hub.invoke("Noted", f"{key} dropped"), True, "dropped by the server")


@feature("stream up")
async def stream_up(cell):
    hub = await cell.connect()
    keys = [unique("up"), unique("up")]
    await within(hub.upload("NoteAll", keys), "the upload")
    for key in keys:
        equal(await hub.invoke("Noted", key), True, "noted")
    if not cell.module.UPLOADS_ARE_ANSWERED:
        return "without a result and other arguments"
    people = [{"name": name, "age": 7, "nick": None} for name in ("Ann", "Ben")]
    equal(await within(hub.upload("Collect", people), "the result"), people)


@feature("failed stream up")
async def failed_stream_up(cell):
    hub = await cell.connect()
    read, error = await within(hub.upload("HowItEnds", [1], error="no more paper"), "the result")
    equal(read, [1], "items before the error")
    equal("no more paper" in error, True, f"the error in {error!r}")


@feature("streams both ways")
async def streams_both_ways(cell):
    hub = await cell.connect()
    await hub.duplex()


@feature("groups")
async def groups(cell):
    ann, ben, cleo = [await cell.listener() for _ in range(3)]
    group = unique("group")
    await ann.invoke("Join", group)
    await ben.invoke("Join", group)
    await cleo.invoke("ToGroup", group, "first")
    await ben.invoke("Leave", group)
    await cleo.invoke("ToGroup", group, "second")
    await settled(ann, ben, cleo)
    equal([hub.heard.seen for hub in (ann, ben, cleo)], [["first", "second"], ["first"], []], "heard")


@feature("users")
async def users(cell):
    user = unique("user")
    phone, laptop = [await cell.listener(said={"user": user}) for _ in range(2)]
    other = await cell.listener(said={"user": f"not-{user}"})
    await other.invoke("ToUser", user, "both")
    await settled(phone, laptop, other)
    equal([hub.heard.seen for hub in (phone, laptop, other)], [["both"], ["both"], []], "heard")
    return None if cell.module.HAS_QUERY else "named in a header"


async def settled(*connections):
    """All that was sent to them before has arrived."""
    for hub in connections:
        await hub.invoke("Nothing")


@feature("headers")
async def headers(cell):
    hub = await cell.connect(headers={"X-Trace": "abc", "Cookie": "other=1; flavour=rye"})
    facts = await hub.invoke("Facts")
    equal([facts["trace"], facts["flavour"]], ["abc", "rye"], "header and cookie")


@feature("cookies")
async def cookies(cell):
    hub = await cell.connect(base=cell.cookies)
    flavour = (await hub.invoke("Facts"))["flavour"]
    if flavour is None and cell.module.__name__ == "signalrcore_client":
        raise Cannot("It keeps no cookies.")
    if flavour is None and cell.module.__name__ == "aiosignalr_client" and cell.transport == "WebSockets":
        raise Cannot("It gives a WebSocket no cookies.")
    equal(flavour, "oat", "the cookie")


@feature("bearer token")
async def bearer_token(cell):
    hub = await cell.connect(token="abc.def")
    facts = await hub.invoke("Facts")
    equal(facts["authorization"], "Bearer abc.def", "header")
    return "by header"


@feature("reconnect")
async def reconnect(cell):
    hub = await cell.connect(reconnect=True)
    before = await closed_by_another(cell, hub, True)
    equal(await after_trying(hub), "reconnected", "event")
    equal((await hub.invoke("Me"))["connectionId"] != before, True, "another id")


@feature("close")
async def close(cell):
    hub = await cell.connect()
    await closed_by_another(cell, hub, False)
    await hub.events.next("an event")


@feature("no reconnect")
async def no_reconnect(cell):
    hub = await cell.connect(reconnect=True)
    await closed_by_another(cell, hub, False)
    if await after_trying(hub) == "reconnected":
        raise AssertionError("It comes back.")


async def after_trying(hub):
    event = await hub.events.next("an event")
    while event == "reconnecting":
        event = await hub.events.next("the end of the attempt")
    return event


async def closed_by_another(cell, hub, allow_reconnect):
    """Its id."""
    before = (await hub.invoke("Me"))["connectionId"]
    other = await cell.connect()
    await other.invoke("CloseConnection", before, allow_reconnect)
    return before


@feature("stop")
async def stop(cell):
    path = "/hub" if cell.module.STOPS_AT_ONCE else "/lively"
    watcher = cell.build(path)
    seen = Record()
    group = unique("watchers")
    watcher.on("Departed", lambda *who: seen.push(list(who)))
    await within(watcher.start(), "start")
    await watcher.invoke("Join", group)
    hub = await cell.connect(path, said={"user": "ann", "announce": group})
    me = (await hub.invoke("Me"))["connectionId"]
    stopping = asyncio.ensure_future(hub.stop())
    equal((await seen.next("departure"))[:2], ["ann", me], "departed")
    await within(stopping, "the end of stop")
    return None if cell.module.STOPS_AT_ONCE else "once the server says something: it waits for its reading thread"


@feature("30 KB up")
async def thirty_kilobytes_up(cell):
    hub = await cell.connect()
    text = "x" * 30_000
    equal(await hub.invoke("Echo", text) == text, True, "the same text")


@feature("1 MB up")
async def a_megabyte_up(cell):
    hub = await cell.connect("/large")
    text = "x" * 1_000_000
    equal(await within(large(hub.invoke("Echo", text)), "the answer") == text, True, "the same text")
    return cell.module.LARGE


@feature("1 MB down")
async def a_megabyte_down(cell):
    hub = await cell.connect()
    equal(len(await within(large(hub.invoke("Repeat", 1_000_000)), "the answer")), 1_000_000, "length")
    return cell.module.LARGE


async def large(answer):
    try:
        return await answer
    except Exception as error:
        if "Got more than 524288 bytes when reading" not in str(error):
            raise
        raise Cannot("It reads the lines of an event with aiohttp, which takes 524,288 bytes: “Got more than 524288 bytes when reading”.") from None


@feature("Unicode")
async def texts(cell):
    hub = await cell.connect("/dotnet")
    for text in ["Grüße, 世界 👋🏽", "שלום\u200f مرحبا", "e\u0301 \ufeff \u2028\u2029", "\0\a\x1e\x7f\r\n\"\\/", "\U0010ffff", ""]:
        equal(await hub.invoke("Echo", text), text)


@feature("objects")
async def objects(cell):
    hub = await cell.connect("/dotnet")
    if cell.json:
        equal(await hub.invoke("Meet", {"Name": "Ann", "AGE": 7}), {"name": "Ann", "age": 7, "nick": None})
    else:
        equal(await hub.invoke("Meet", {"Name": "Ann", "Age": 7}), {"Name": "Ann", "Age": 7, "Nick": None})


@feature("bytes")
async def some_bytes(cell):
    hub = await cell.connect("/dotnet")
    if cell.json:
        equal(await hub.invoke("Reverse", "AQL/"), "/wIB")
    else:
        equal(await hub.invoke("Reverse", b"\x01\x02\xff"), b"\xff\x02\x01")


@feature("enums")
async def enums(cell):
    hub = await cell.connect("/dotnet")
    equal(await hub.invoke("Cheer", 1 if cell.json else "Calm"), 5 if cell.json else "Loud")


START = datetime(2016, 10, 27, 14, 25, 0, 250_000, timezone.utc)
LATER = START + timedelta(seconds=1)


@feature("dates")
async def dates(cell):
    hub = await cell.connect("/dotnet")
    if cell.json:
        equal(await hub.invoke("Later", START.isoformat()), "2016-10-27T14:25:01.25Z")
    else:
        equal(await hub.invoke("Later", msgpack.Timestamp.from_datetime(START)), msgpack.Timestamp.from_datetime(LATER))


@feature("dates with offset")
async def dates_with_offset(cell):
    hub = await cell.connect("/dotnet")
    if cell.json:
        equal(await hub.invoke("LaterThere", "2016-10-27T16:25:00.25+02:00"), "2016-10-27T16:25:01.25+02:00")
        return
    start, later = [msgpack.Timestamp.from_datetime(time + timedelta(hours=2)) for time in (START, LATER)]
    equal(await hub.invoke("LaterThere", [start, 120]), [later, 120])


@feature("identifiers")
async def identifiers(cell):
    hub = await cell.connect("/dotnet")
    ticket = "00112233-4455-6677-8899-aabbccddeeff"
    equal(await hub.invoke("Ticket", ticket.upper()), ticket, "Guid")
    price = 12.5 if cell.json else "12.50"
    equal(await hub.invoke("Price", price), price, "decimal")
    address = "https://example.com/a%20b?c=d&e#f"
    equal(await hub.invoke("Echo", address), address, "Uri")


@feature("time spans")
async def time_spans(cell):
    hub = await cell.connect("/dotnet")
    equal(await hub.invoke("Halve", "00:01:30" if cell.json else 900_000_000), "00:00:45" if cell.json else 450_000_000)


@feature("characters")
async def characters(cell):
    hub = await cell.connect("/dotnet")
    letter = "ß" if cell.json else 0xDF
    equal(await hub.invoke("Letter", letter), letter)


@feature("floats")
async def floats(cell):
    hub = await cell.connect("/dotnet")
    equal([await hub.invoke("Single", 3), await hub.invoke("Single", 4.0)], [1.5, 2], "float")
    equal([await hub.invoke("Double", 0.2), await hub.invoke("Double", 2**60)], [0.1, 2**59], "double")


@feature("NaN and infinity")
async def not_a_number(cell):
    hub = await cell.connect("/dotnet")
    answers = [await hub.invoke("NotANumber"), await hub.invoke("Infinite")]
    equal(repr(answers), "[None, None]" if cell.json else "[nan, inf]")


@feature("null")
async def null(cell):
    hub = await cell.connect("/dotnet")
    equal([await hub.invoke("Perhaps", None), await hub.invoke("Perhaps", 7)], [None, 7])
    equal(await hub.invoke("Echo", [None, {"none": None}]), [None, {"none": None}])
