"""The other end of the WebSocket tests, over `websockets`: what websocket_peer.mjs is over `ws`."""

import asyncio
import os
import random
import sys
import threading

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

SETTINGS = {"compression": None, "max_size": 2**20, "ping_interval": None}
mode, seed, *rest = sys.argv[1:]
chance = random.Random(int(seed))


async def echo(socket):
    waiting = []

    async def pieces(data):
        cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(4)))
        for start, end in zip([0, *cuts], [*cuts, len(data)]):
            yield data[start:end]
            if chance.randrange(3) == 0:
                payload = f"ping {len(waiting)} ".ljust(chance.randrange(126), "*")[:125]
                waiting.append(await socket.ping(payload))

    try:
        async for message in socket:
            if message == "!report":
                answered = sum(pong.done() for pong in waiting)
                await socket.send(f"{len(waiting)} {answered}")
            elif isinstance(message, str) and message.startswith("!close "):
                _, code, reason = message.split(" ", 2)
                await socket.close(int(code), reason)
            elif isinstance(message, str):
                await socket.send(pieces(message.encode()), text=True)
            else:
                await socket.send(pieces(message), text=False)
    except ConnectionClosed:
        pass


async def client(url):
    while True:
        try:
            async with connect(url, proxy=None, **SETTINGS) as socket:
                await echo(socket)
        except InvalidStatus as refused:
            sys.exit(0 if refused.response.status_code == 410 else 1)


async def server():
    async with serve(echo, "127.0.0.1", 0, **SETTINGS) as listening:
        port = listening.sockets[0].getsockname()[1]
        print(f"Listening on ws://127.0.0.1:{port}", flush=True)
        await listening.serve_forever()


def end_with_input():
    while os.read(0, 4096):
        pass
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
asyncio.run(client(*rest) if mode == "client" else server())
