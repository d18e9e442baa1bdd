"""aiosignalr as the features see a client."""

from contextlib import contextmanager

from aiosignalr.client import DefaultRetryPolicy, HubConnection
from aiosignalr.errors import ConnectionClosed, HubException
from aiosignalr.protocol import JSONProtocol, MessagePackProtocol

from cell import Cannot, HubError, Record

# It appends `/negotiate` to the query.
HAS_QUERY = False
UPLOADS_ARE_ANSWERED = True
STOPS_AT_ONCE = True
# How large messages pass.
LARGE = "with a subclass of its encoding: it takes 32 KiB, which is no option"
DEAF = {}


class LargeJson(JSONProtocol):
    """Takes more than 32 KiB, which is no option."""

    def __init__(self):
        super().__init__(2**21)


class LargeMessagePack(MessagePackProtocol):
    def __init__(self):
        super().__init__(2**21)


class Connection:
    def __init__(self, url, transport, json, headers, token=None, reconnect=False):
        self.url = url
        self.events = Record()
        self.hub = HubConnection(protocol=LargeJson() if json else LargeMessagePack())
        self.settings = {"headers": headers, "transports": {transport}}
        if token:
            self.settings["access_token_factory"] = lambda: token
        if reconnect:
            self.hub.with_retry_policy(DefaultRetryPolicy())
        self.hub.on_reconnecting = lambda error: self.events.push("reconnecting")
        self.hub.on_reconnected = lambda: self.events.push("reconnected")
        self.hub.on_close = lambda error: self.events.push("closed")

    async def start(self):
        await self.hub.start(self.url, **self.settings)

    async def stop(self):
        await self.hub.stop()

    async def end(self):
        await self.stop()

    def on(self, target, handler):
        self.hub.on(target, handler)

    async def invoke(self, target, *arguments):
        with hub_errors():
            return await self.hub.invoke(target, *arguments)

    async def send(self, target, *arguments):
        await self.hub.send(target, *arguments)

    async def stream(self, target, *arguments):
        return Reading(await self.hub.stream(target, *arguments))

    async def upload(self, target, items, error=None):
        with hub_errors():
            async with self.hub.client_stream(target) as stream:
                for item in items:
                    await stream.send_item(item)
                await stream.complete(error)
        return stream.result

    async def duplex(self):
        raise Cannot("A stream of the server takes no stream of the client: `stream` has no streams among its arguments.")


@contextmanager
def hub_errors():
    """What the library raises has the id of the connection in its text, or not, as it happens."""
    try:
        yield
    except HubException as error:
        raise HubError(str(error)) from None
    except ConnectionClosed:
        raise ConnectionError("the server closed the connection") from None


class Reading:
    def __init__(self, items):
        self.items = items

    async def next(self):
        return await anext(self.items)

    async def cancel(self):
        await self.items.aclose()

    async def all(self):
        """The items, and the text of the error that ended them."""
        seen = []
        try:
            async for item in self.items:
                seen.append(item)
        except HubException as error:
            return seen, str(error)
        return seen, None
