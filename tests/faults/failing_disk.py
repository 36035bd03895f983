"""The harness's side of a failing disk: what shall fail from now on, and how many calls have failed."""

import errno
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.inside.sitecustomize import ANY, CONTROL, COUNT, LOG, POINTS, TABLES

HERE = Path(__file__).resolve().parent
LIBRARY = Path("/usr/lib/fiu/fiu_posix_preload.so")
# before it, the C library's own allocator: that of libfiu fails where many libraries have thread storage
ALLOCATOR = "libc_malloc_debug.so.0"
FDATASYNC, PWRITE, PREAD = POINTS
# what fails, with what, in which share of the calls, and for which file; a transaction flushes once and writes often
KINDS = {
    "fdatasync EIO": (FDATASYNC, errno.EIO, 0.5, ANY),
    "pwrite ENOSPC": (PWRITE, errno.ENOSPC, 0.06, ANY),
    "pwrite EIO": (PWRITE, errno.EIO, 0.06, ANY),
    "pread EIO": (PREAD, errno.EIO, 0.5, ANY),
}
FILES = {"log": LOG, "tables": TABLES}
# the same, of one file at a time
AIMED = {f"{kind} of the {name}": (*what, file) for kind, (*what, _) in KINDS.items() for name, file in FILES.items()}


class FailingDisk:
    """Decides what fails in every process that was started with `environment`."""

    def __init__(self, folder: Path) -> None:
        if not LIBRARY.is_file():
            raise FileNotFoundError(f"{LIBRARY} is missing: install fiu-utils")
        folder.mkdir()
        self._folder = folder
        with (folder / "control").open("w+b") as file:
            file.truncate(CONTROL.size)
            self._control = mmap.mmap(file.fileno(), CONTROL.size)
        self.environment = {
            "EXAMAPP_FAULTS": str(folder), "LD_PRELOAD": f"{ALLOCATOR} {LIBRARY}",
            "PYTHONPATH": os.pathsep.join((str(HERE / "inside"), str(HERE.parents[1]))),
        }  # fmt: skip

    @property
    def injected(self) -> int:
        """How many calls were failed so far, in all processes."""
        return sum(COUNT.unpack(file.read_bytes())[0] for file in self._folder.glob("injected.*"))

    @contextmanager
    def failing(self, point: bytes, number: int, probability: float, file: int = ANY) -> Iterator[None]:
        """Fail this share of the calls to `point` for `file` with errno `number` while the block runs."""
        CONTROL.pack_into(self._control, 0, *(probability if each == point else 0.0 for each in POINTS), number, file)
        try:
            yield
        finally:
            CONTROL.pack_into(self._control, 0, *(0.0 for _ in POINTS), 0, ANY)
