"""A network that breaks: a proxy between trainees and the service that cuts, delays and swallows what passes.

Each request meets a fate drawn from the seed. Cuts come after a number of bytes: inside the request's head or body, or
inside the answer, when the service has done what was asked and the trainee does not hear of it.
"""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

# how often each fate is met, of 100 requests
FATES = {
    "passes": 40, "request cut": 15, "request ends early": 10, "answer cut": 15, "answer swallowed": 10, "delayed": 5,
    "black hole": 5,
}  # fmt: skip
CUTS = frozenset(FATES) - {"passes", "delayed"}
BLACK_HOLE_SECONDS = 1.2
# a save's head and body have about 700 bytes, its answer 900
LONGEST_CUT = 900


@dataclass
class BadNetwork:
    """A proxy to `target` on a port of its own; `met` counts the fates.

    `cuts` counts the connections that were cut, each only if something was granted since the last that counts.
    """

    target: int
    seed: int
    port: int = 0
    met: Counter[str] = field(default_factory=Counter)
    cuts: int = 0
    _was_granted: bool = False
    _passing: "set[asyncio.Task[None]]" = field(default_factory=set)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    async def serve(self, ready: threading.Event) -> None:
        """Pass connections on until cancelled."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await server.serve_forever()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._pass(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        # cut, not closed politely, and also where the task is cancelled before its first step
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # a failure to connect: the service is not up yet
        with suppress(OSError, asyncio.IncompleteReadError):
            onward, back = await asyncio.open_connection("127.0.0.1", self.target)
            try:
                while (head := await reader.read(65536)) and await self._one(head, reader, writer, onward, back):
                    pass
            finally:
                back.transport.abort()

    async def _one(
        self, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
        onward: asyncio.StreamReader, back: asyncio.StreamWriter,
    ) -> bool:  # fmt: skip
        """Let one request meet its fate; say whether the connection goes on."""
        fate = self._rng.choices(list(FATES), list(FATES.values()))[0]
        at = self._rng.randrange(1, LONGEST_CUT)
        request = await _whole(request, reader)
        self.met[fate] += 1
        if fate in CUTS and self._was_granted:
            self.cuts, self._was_granted = self.cuts + 1, False
        if fate in ("request cut", "request ends early"):
            back.write(request[: min(at, len(request) - 1)])
            await back.drain()
            if fate == "request cut":
                return False
            back.write_eof()
        else:
            await asyncio.sleep({"delayed": 0.3, "black hole": BLACK_HOLE_SECONDS}.get(fate, 0.0))
            if fate == "black hole":
                return False
            back.write(request)
        answer = await onward.read(65536)
        if fate == "answer swallowed" or not answer:
            return False
        writer.write(answer[:at] if fate == "answer cut" else answer)
        await writer.drain()
        is_whole = fate in ("passes", "delayed")
        self._was_granted |= is_whole and answer.startswith(b"HTTP/1.1 200")
        return is_whole


async def _whole(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """Return a request with its body, which browsers often send apart from its head."""
    while b"\r\n\r\n" not in head:
        head += await reader.readuntil(b"\r\n\r\n")
    fields, _, body = head.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in fields.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    return head + (await reader.readexactly(length - len(body)) if length > len(body) else b"")


@contextmanager
def bad_network(target: int, seed: int) -> Iterator[BadNetwork]:
    """Run such a network in a thread of its own."""
    network, ready = BadNetwork(target, seed), threading.Event()
    loop = asyncio.new_event_loop()
    task = loop.create_task(network.serve(ready))
    thread = threading.Thread(target=_run, args=(loop, task), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield network
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)


def _run(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.run_until_complete(_end_all())
    loop.close()


async def _end_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for each in others:
        each.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    # what was aborted is closed in the loop's next turn
    await asyncio.sleep(0)
