"""What the features share: connections that are stopped afterwards, and waits that end."""

import asyncio
import uuid

LIMIT = 10


class Cannot(Exception):
    """A feature that the client does not have."""


class HubError(Exception):
    """A call that ended with an error."""


class Cell:
    """One client over one transport in one encoding, against one server.

    A client's module offers a `Connection` with start, stop, end, on, invoke, send, stream, upload
    and duplex, and says how it is different.
    """

    def __init__(self, module, transport, protocol, url, cookies):
        self.module = module
        self.transport = transport
        self.json = protocol == "JSON"
        self.url = url
        self.cookies = cookies
        self.open = []

    def build(self, path="/hub", *, base=None, said=None, headers=None, **settings):
        """A connection that is not started. `said` goes into the query, or into headers."""
        headers = dict(headers or {})
        url = (base or self.url) + path
        if said and self.module.HAS_QUERY:
            url += "?" + "&".join(f"{name}={value}" for name, value in said.items())
        elif said:
            headers.update({f"X-{name}": value for name, value in said.items()})
        connection = self.module.Connection(url, self.transport, self.json, headers, **settings)
        self.open.append(connection)
        return connection

    async def connect(self, path="/hub", **settings):
        connection = self.build(path, **settings)
        await within(connection.start(), "start")
        return connection

    async def listener(self, **settings):
        """A connection, what its "Message" handler hears, and its id."""
        connection = self.build(**settings)
        connection.heard = Record()
        connection.on("Message", connection.heard.push)
        await within(connection.start(), "start")
        return connection

    async def end(self):
        """Ends the connections of one feature."""
        stops = [asyncio.create_task(connection.end()) for connection in self.open]
        self.open = []
        if stops:
            _, late = await asyncio.wait(stops, timeout=3)
            for stop in late:
                stop.cancel()


class Record:
    """What happened, in order."""

    def __init__(self):
        self.seen = []
        self.queue = asyncio.Queue()

    def push(self, *entry):
        entry = entry[0] if len(entry) == 1 else list(entry)
        self.seen.append(entry)
        self.queue.put_nowait(entry)

    async def next(self, what="an event"):
        return await within(self.queue.get(), what)


async def within(awaitable, what, seconds=LIMIT):
    try:
        return await asyncio.wait_for(awaitable, seconds)
    except (TimeoutError, asyncio.TimeoutError):
        raise TimeoutError(f"{what}: not within {seconds} s") from None


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def equal(actual, expected, what="value"):
    if actual != expected:
        raise AssertionError(f"{what}: expected {expected!r:.300}, got {actual!r:.300}")


async def rejects(awaitable, text):
    try:
        value = await within(awaitable, "an error")
    except HubError as error:
        equal(str(error), text, "error")
    else:
        raise AssertionError(f"expected an error, got {value!r:.300}")
