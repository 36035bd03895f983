"""A disk of our own: a file with a file system in it, mounted as a loop device, to be copied as a power cut leaves it.

What the service wrote and did not flush is in the kernel's memory, not in the file; a copy of the file, mounted anew,
is what the disk holds after the power went. The writer is held still while the file is copied, and the copy is
compared with the file: if anything came in between, it is made again.
"""

import filecmp
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# nothing is written to the disk unless somebody asks for it: no timer of the file system's
OPTIONS = "loop,commit=600,noatime"
TRIES = 100


def memory() -> Path | None:
    """Return a folder whose files lie in memory, where copies and restarts are quick; None where there is none."""
    folder = Path("/dev/shm")  # noqa: S108 - what is made there has a random name
    return folder if folder.is_dir() else None


class DiskImage:
    """A file system in the file `image`, mounted at `mounted`."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self._folder = folder
        self.image = folder / "disk.img"
        self.mounted = folder / "disk"
        self.mounted.mkdir()
        with self.image.open("wb") as file:
            file.truncate(megabytes << 20)
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", str(self.image))
        _mount(self.image, self.mounted)

    def cut(self) -> Path:
        """Return the file as it is now; nobody may be writing."""
        copy = self._folder / "cut.img"
        for _ in range(TRIES):
            _run("cp", "--sparse=always", str(self.image), str(copy))
            if filecmp.cmp(self.image, copy, shallow=False):
                return copy
            # the kernel may be at it, of its own accord
            time.sleep(0.2)
        raise RuntimeError("the disk never came to rest while it was copied")


@contextmanager
def disk_image(megabytes: int) -> Iterator[DiskImage]:
    """Make and mount a disk; raise, and say why, where mounting is not permitted."""
    if os.geteuid() != 0:
        raise PermissionError("power cuts are made with a loop mount, which only root may make")
    folder = Path(tempfile.mkdtemp(prefix="examapp-disk-", dir=memory()))
    # PostgreSQL's user must be able to pass
    folder.chmod(0o755)
    disk = DiskImage(folder, megabytes)
    try:
        yield disk
    finally:
        _run("umount", "-l", str(disk.mounted))
        shutil.rmtree(folder)


@contextmanager
def power_back(image: Path) -> Iterator[Path]:
    """Mount a copy of a disk, whose file system recovers as after a power cut, and give where it is."""
    mounted = image.parent / "after"
    mounted.mkdir(exist_ok=True)
    _mount(image, mounted)
    try:
        yield mounted
    finally:
        _run("umount", str(mounted))


def _mount(image: Path, where: Path) -> None:
    _run("mount", "-o", OPTIONS, str(image), str(where))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
