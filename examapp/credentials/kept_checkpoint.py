"""The newest head of the log, kept beside the keys, where no backup of the database reaches.

A database that was put back from an old copy, or that grew another history since, does not hold what was signed here:
`examapp log verify` and `examapp restore` say so.
"""

import base64
import os
from pathlib import Path

from examapp.credentials import log
from examapp.credentials.merkle import Tree
from examapp.errors import N_, Tampered

FILE = "newest.checkpoint"


def notes(key_folder: Path) -> list[str]:
    """Return the kept checkpoint, or nothing where none was kept yet."""
    path = key_folder / FILE
    return [path.read_text(encoding="utf-8")] if path.exists() else []


def keep(key_folder: Path) -> None:
    """Keep the newest checkpoint in the place of the last; raise `Tampered` when it is no continuation of that."""
    newest, kept = log.head(), notes(key_folder)
    if newest is None or kept == [newest.note]:
        return
    for note in kept:
        _, size, root = note.split("\n")[:3]
        if not _begins_with(int(size), root):
            raise Tampered(
                "log.older", N_("The log does not continue what was signed before: was an old copy restored?")
            )
    path = key_folder / FILE
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(newest.note)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _begins_with(size: int, root: str) -> bool:
    tree = Tree(log.leaf_hashes(size))
    return tree.size == size and base64.b64encode(tree.root()).decode() == root
