"""pysignalr as the features see a client."""

import asyncio
import contextlib

from pysignalr.client import SignalRClient
from pysignalr.protocol.json import JSONProtocol
from pysignalr.protocol.messagepack import MessagepackProtocol

from cell import Cannot, HubError, Record

HAS_QUERY = True
# It sends them without an invocation id and without arguments.
UPLOADS_ARE_ANSWERED = False
STOPS_AT_ONCE = True
# How large messages pass.
LARGE = "with `max_size=None`: it takes 1 MiB"
DEAF = {}


class Connection:
    """It reconnects always, and has WebSockets only."""

    def __init__(self, url, transport, json, headers, token=None, reconnect=True):
        self.events = Record()
        self.hub = SignalRClient(
            url,
            protocol=JSONProtocol() if json else MessagepackProtocol(),
            headers=headers,
            access_token_factory=(lambda: token) if token else None,
            max_size=None,
        )
        self.opened = asyncio.Event()
        self.hub.on_open(self._on_open)
        self.hub.on_close(self._on_close)
        self.hub.on_error(self._on_error)
        self.task = None

    async def start(self):
        self.task = asyncio.create_task(self.hub.run())
        self.task.add_done_callback(self._on_end)
        opened = asyncio.create_task(self.opened.wait())
        await asyncio.wait({self.task, opened}, return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            opened.cancel()
            await self.task

    async def stop(self):
        """There is no other way but to cancel what runs."""
        if self.task is not None:
            self.task.cancel()
            with contextlib.suppress(BaseException):
                await self.task

    async def _on_open(self):
        if self.opened.is_set():
            self.events.push("reconnected")
        self.opened.set()

    async def _on_close(self):
        self.events.push("reconnecting")

    async def _on_error(self, completion):
        """The caller hears of it as well."""

    def _on_end(self, task):
        error = None if task.cancelled() else task.exception()
        self.events.push(f"ended: {error}")

    async def end(self):
        await self.stop()

    def on(self, target, handler):
        async def call(arguments):
            return handler(*arguments)

        self.hub.on(target, call)

    async def invoke(self, target, *arguments):
        done = asyncio.get_running_loop().create_future()

        async def answer(completion):
            done.set_result(completion)

        await self.hub.send(target, list(arguments), answer)
        completion = await done
        if completion.error:
            raise HubError(completion.error)
        return completion.result

    async def send(self, target, *arguments):
        await self.hub.send(target, list(arguments))

    async def stream(self, target, *arguments):
        reading = Reading()
        await self.hub.stream(target, list(arguments), reading.on_next, reading.on_complete, reading.on_error)
        return reading

    async def upload(self, target, items, error=None):
        if error is not None:
            raise Cannot("A stream to the server ends without an error only: `complete` takes none.")
        async with self.hub.client_stream(target) as stream:
            for item in items:
                await stream.send(item)

    async def duplex(self):
        raise Cannot("A stream of the server takes no stream of the client: `stream` has no streams among its arguments.")


class Reading:
    def __init__(self):
        self.items = asyncio.Queue()

    async def on_next(self, item):
        self.items.put_nowait(("item", item))

    async def on_complete(self, completion):
        self.items.put_nowait(("end", completion.error))

    async def on_error(self, completion):
        self.items.put_nowait(("end", completion.error))

    async def next(self):
        return (await self.items.get())[1]

    async def cancel(self):
        raise Cannot("There is no way to leave a stream.")

    async def all(self):
        """The items, and the text of the error that ended them."""
        seen = []
        while True:
            kind, value = await self.items.get()
            if kind == "end":
                return seen, value
            seen.append(value)
