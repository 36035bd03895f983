"""Read by every Python process of a service whose disk shall fail: asks the control file before each call to the disk.

The process runs with libfiu's library before the C library (LD_PRELOAD). `control` holds a probability and an errno for
each point of failure, and which of SQLite's files is meant; how many calls were failed is counted in a file of the
process's own, so the count is exact.
"""

import atexit
import ctypes
import mmap
import os
import random
import struct
import threading
from pathlib import Path
from typing import Any

POINTS = (b"posix/io/sync/fdatasync", b"posix/io/rw/pwrite", b"posix/io/rw/pread")
CONTROL = struct.Struct("<" + "d" * len(POINTS) + "ii")
COUNT = struct.Struct("<q")
# which file is meant: any, SQLite's write-ahead log, or the database that it is moved into
ANY, LOG, TABLES = range(3)
# whoever shall die in the middle of a flush, before it reaches the disk
DIE = -1
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_void_p),
    ctypes.POINTER(ctypes.c_uint),
)  # fmt: skip
_POSITIONED = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_longlong, use_errno=True
)
_SET = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_GET = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)


class _Vfs(ctypes.Structure):
    """sqlite3_vfs of sqlite3.h, third version, as far as it is used here."""

    _fields_ = (
        ("numbers", ctypes.c_int * 3), ("next", ctypes.c_void_p), ("name", ctypes.c_char_p), ("data", ctypes.c_void_p),
        ("methods", ctypes.c_void_p * 13), ("set_call", _SET), ("get_call", _GET),
    )  # fmt: skip


class Files:
    """Knows which of SQLite's files the present thread reads or writes: it sees the calls before libfiu does.

    A flush names no file to libfiu and is no call that SQLite lets one see: it is of the file that was written last.
    """

    def __init__(self) -> None:
        self._own = threading.local()
        find = ctypes.CDLL("libsqlite3.so.0").sqlite3_vfs_find
        find.restype = ctypes.POINTER(_Vfs)
        vfs = find(None)
        # SQLite keeps their addresses
        self._calls = [self._see(vfs, name) for name in (b"pread", b"pread64", b"pwrite", b"pwrite64")]

    def _see(self, vfs: Any, name: bytes) -> object:
        address = vfs.contents.get_call(ctypes.addressof(vfs.contents), name)
        if not address:
            return None
        call, own = _POSITIONED(address), self._own

        def seen(file: int, content: int, size: int, offset: int) -> int:
            own.file = file
            return call(file, content, size, offset)

        instead = _POSITIONED(seen)
        vfs.contents.set_call(ctypes.addressof(vfs.contents), name, ctypes.cast(instead, ctypes.c_void_p))
        return instead

    def present(self) -> int:
        """Return LOG, TABLES, or ANY for a file that is neither."""
        try:
            name = os.readlink(f"/proc/self/fd/{self._own.file}")
        except (AttributeError, OSError):
            return ANY
        return {"-wal": LOG, "p.db": TABLES}.get(name[-4:], ANY)


class Faults:
    """The calls to the disk that fail in this process."""

    def __init__(self, folder: Path) -> None:
        self._control = _shared(folder / "control", CONTROL.size)
        self._count = _shared(folder / f"injected.{os.getpid()}", COUNT.size)
        self._rng = random.Random(os.getpid())
        self._files = Files()
        self._callback = _CALLBACK(self._decide)
        self._fiu = ctypes.CDLL("libfiu.so.0")
        self._fiu.fiu_init(0)
        for point in POINTS:
            self._fiu.fiu_enable_external(point, 1, None, 0, self._callback)
        atexit.register(self._stop)

    def _decide(self, name: bytes, failnum: object, failinfo: "ctypes._Pointer[ctypes.c_void_p]", flags: object) -> int:
        """Return 1 for a call that shall fail, with the errno that is asked for."""
        *probabilities, errno, meant = CONTROL.unpack_from(self._control)
        if self._rng.random() >= probabilities[POINTS.index(name)] or meant not in (ANY, self._files.present()):
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
