"""Tries every feature of one client over one transport in one encoding:

    python matrix.py CLIENT TRANSPORT PROTOCOL URL COOKIES FILE [FEATURE]

See ../../matrix.mjs, which does the same for Node.
"""

import asyncio
import importlib
import json
import logging
import os
import sys
from importlib.metadata import version
from pathlib import Path

from cell import Cannot, Cell, within
from features import FEATURES

LIMIT = 15

logging.disable(logging.CRITICAL)


async def attempt(cell, run):
    try:
        note = await within(run(cell), "the feature", LIMIT)
        result = {"result": "pass"} if note is None else {"result": "pass", "note": note}
    except Cannot as reason:
        result = {"result": "cannot", "note": str(reason)}
    except AssertionError as error:
        result = {"result": "fail", "note": str(error)}
    except Exception as error:
        result = {"result": "fail", "note": f"{type(error).__name__}: {error}"}
    await cell.end()
    return result


async def deaf(cell):
    """The reason why no answer can arrive, if there is one and none does."""
    reason = cell.module.DEAF.get((cell.transport, cell.json))
    if reason is None:
        return None
    connection = await cell.connect()
    try:
        await within(connection.invoke("Add", 2, 40), "an answer", 2)
    except TimeoutError:
        return {"result": "cannot", "note": reason}
    finally:
        await cell.end()


async def main(client, transport, protocol, url, cookies, file, only=None):
    names = json.loads((Path(__file__).parent.parent / "features.json").read_text())
    cell = Cell(importlib.import_module(f"{client}_client"), transport, protocol, url, cookies)
    reason = await deaf(cell)
    features = {}
    for name in names:
        if only in (None, name):
            features[name] = reason or await attempt(cell, FEATURES[name])
    cells = {"client": client, "transport": transport, "protocol": protocol}
    results = {**cells, "versions": [f"{client} {version(client)}"], "features": features}
    Path(file).write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")


asyncio.run(main(*sys.argv[1:]))
# Threads of clients may be waiting for ever.
os._exit(0)
