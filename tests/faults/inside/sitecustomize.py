"""Read by every Python process of a service whose disk shall fail: asks the control file before each call to the disk.

The process runs with libfiu's library before the C library (LD_PRELOAD). `control` holds a probability and an errno for
each point of failure; how many calls were failed is counted in a file of the process's own, so the count is exact.
"""

import atexit
import ctypes
import mmap
import os
import random
import struct
from pathlib import Path

POINTS = (b"posix/io/sync/fdatasync", b"posix/io/rw/pwrite", b"posix/io/rw/pread")
CONTROL = struct.Struct("<" + "d" * len(POINTS) + "i")
COUNT = struct.Struct("<q")
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_void_p),
    ctypes.POINTER(ctypes.c_uint),
)  # fmt: skip
# whoever shall die in the middle of a flush, before it reaches the disk
DIE = -1


class Faults:
    """The calls to the disk that fail in this process."""

    def __init__(self, folder: Path) -> None:
        self._control = _shared(folder / "control", CONTROL.size)
        self._count = _shared(folder / f"injected.{os.getpid()}", COUNT.size)
        self._rng = random.Random(os.getpid())
        self._callback = _CALLBACK(self._decide)
        self._fiu = ctypes.CDLL("libfiu.so.0")
        self._fiu.fiu_init(0)
        for point in POINTS:
            self._fiu.fiu_enable_external(point, 1, None, 0, self._callback)
        atexit.register(self._stop)

    def _decide(self, name: bytes, failnum: object, failinfo: "ctypes._Pointer[ctypes.c_void_p]", flags: object) -> int:
        """Return 1 for a call that shall fail, with the errno that is asked for."""
        *probabilities, errno = CONTROL.unpack_from(self._control)
        if self._rng.random() >= probabilities[POINTS.index(name)]:
            return 0
        COUNT.pack_into(self._count, 0, COUNT.unpack_from(self._count)[0] + 1)
        if errno == DIE:
            os.kill(os.getpid(), 9)
        failinfo[0] = errno
        return 1

    def _stop(self) -> None:
        for point in POINTS:
            self._fiu.fiu_disable(point)


def _shared(path: Path, size: int) -> mmap.mmap:
    with path.open("a+b") as file:
        file.truncate(size)
        return mmap.mmap(file.fileno(), size)


if "EXAMAPP_FAULTS" in os.environ:
    FAULTS = Faults(Path(os.environ["EXAMAPP_FAULTS"]))
