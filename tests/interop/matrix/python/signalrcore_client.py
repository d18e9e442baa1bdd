"""signalrcore as the features see a client: its calls block, and its callbacks come from threads."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from signalrcore.hub.errors import HubConnectionError
from signalrcore.hub.handlers import StreamHandler
from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.messages.stream_invocation_message import StreamInvocationMessage
from signalrcore.subject import Subject
from signalrcore.types import HttpTransportType, HubProtocolEncoding

from cell import Cannot, HubError, Record

HAS_QUERY = True
# It sends them without an invocation id and without arguments.
UPLOADS_ARE_ANSWERED = False
# It closes a socket that its thread reads: nothing is sent before that thread wakes up.
STOPS_AT_ONCE = False
# How large messages pass.
LARGE = None
# Where no answer is ever delivered, by transport and whether it is in JSON.
DEAF = {
    ("LongPolling", False): "It looks for the end of each message of a poll at the byte 0x1e, which only JSON has.",
}

# Which error it is depends on who notices first.
GONE = ConnectionError("the server closed the connection")

TRANSPORTS = {
    "WebSockets": HttpTransportType.web_sockets,
    "ServerSentEvents": HttpTransportType.server_sent_events,
    "LongPolling": HttpTransportType.long_polling,
}


class Connection:
    def __init__(self, url, transport, json, headers, token=None, reconnect=False):
        options = {"headers": headers, "transport": TRANSPORTS[transport]}
        if token:
            options["access_token_factory"] = lambda: token
        encoding = HubProtocolEncoding.text if json else HubProtocolEncoding.binary
        builder = HubConnectionBuilder().with_url(url, options=options)
        builder.configure_logging(logging.CRITICAL).with_hub_protocol(encoding)
        if reconnect:
            builder.with_automatic_reconnect({"type": "interval", "keep_alive_interval": 10, "intervals": [0.1, 0.5]})
        self.hub = builder.build()
        self.polls = transport == "LongPolling"
        self.loop = asyncio.get_running_loop()
        # One thread: calls start in their order.
        self.thread = ThreadPoolExecutor(1)
        self.events = Record()
        self.opened = self.loop.create_future()
        # What to tell of the error of a call or stream, by its id.
        self.failures = {}
        self.hub.on_open(self._soon(lambda: self.opened.done() or self.opened.set_result(None)))
        self.hub.on_close(self._soon(self._on_close))
        self.hub.on_reconnect(self._soon(lambda: self.events.push("reconnected")))
        self.hub.on_error(self._soon(self._on_error))

    async def start(self):
        await self._run(self.hub.start)
        await self.opened

    async def stop(self):
        await self._run(self.hub.stop)

    async def end(self):
        """Ends with the process: `stop` waits for a thread, and that for a message of the server."""
        self.thread.shutdown(wait=False)

    def on(self, target, handler):
        self.hub.on(target, self._soon(lambda arguments: handler(*arguments)))

    async def invoke(self, target, *arguments):
        answer = await self._call(target, arguments)
        return await self._arrived(answer)

    async def send(self, target, *arguments):
        """There are no calls without an invocation id; nobody waits for the answer to this one."""
        await self._call(target, arguments)

    async def stream(self, target, *arguments):
        """As `hub.stream`, which sends before one can subscribe: what comes at once would be lost."""
        reading = Reading(self)
        handler = StreamHandler(target, str(uuid4()))
        handler.subscribe({
            "next": self._soon(lambda item: reading.items.put_nowait(("item", item))),
            "complete": self._soon(lambda _: reading.items.put_nowait(("end", None))),
            "error": self._soon(lambda _: None),
        })
        self.failures[handler.invocation_id] = reading.fail
        self.hub.stream_handlers[handler.invocation_id].append(handler)
        message = StreamInvocationMessage(handler.invocation_id, target, list(arguments), headers=self.hub.headers)
        await self._run(self.hub.transport.send, message)
        return reading

    async def upload(self, target, items, error=None):
        if error is not None:
            raise Cannot("A stream to the server ends without an error only: `complete` takes none.")
        subject = Subject()
        await self._run(self.hub.send, target, subject)
        for item in items:
            await self._run(subject.next, item)
        await self._run(subject.complete)

    async def duplex(self):
        raise Cannot("A stream of the server takes no stream of the client: `stream` takes no `Subject`.")

    async def _call(self, target, arguments):
        answer = self.loop.create_future()

        def done(completion):
            if not answer.done():
                answer.set_result(completion.result)

        def fail(text):
            if not answer.done():
                answer.set_exception(HubError(text) if text else GONE)

        invocation = str(uuid4())
        self.failures[invocation] = fail
        await self._run(self.hub.send, target, list(arguments), self._soon(done), invocation)
        return answer

    def _on_error(self, completion):
        fail = self.failures.pop(completion.invocation_id, None)
        if fail:
            fail(completion.error)

    def _on_close(self):
        self.events.push("closed")
        failures, self.failures = self.failures, {}
        for fail in failures.values():
            fail(None)

    async def _arrived(self, future):
        """Of a poll with several messages it delivers the first, and the next after another poll.

        So what has arrived is seen only when something else arrives.
        """
        while self.polls and not future.done():
            await asyncio.wait({future}, timeout=0.1)
            if not future.done():
                await self._run(self.hub.send, "Nothing", [])
        return await future

    def _soon(self, call):
        return lambda *arguments: self.loop.call_soon_threadsafe(call, *arguments)

    async def _run(self, call, *arguments):
        try:
            return await self.loop.run_in_executor(self.thread, call, *arguments)
        except (HubConnectionError, OSError, ValueError):
            raise GONE from None


class Reading:
    def __init__(self, connection):
        self.connection = connection
        self.items = asyncio.Queue()

    def fail(self, text):
        self.items.put_nowait(("end", text))

    async def next(self):
        return (await self.connection._arrived(asyncio.ensure_future(self.items.get())))[1]

    async def cancel(self):
        raise Cannot("There is no way to leave a stream.")

    async def all(self):
        """The items, and the text of the error that ended them."""
        seen = []
        while True:
            kind, value = await self.connection._arrived(asyncio.ensure_future(self.items.get()))
            if kind == "end":
                return seen, value
            seen.append(value)
