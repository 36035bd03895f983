"""One writer at a time on a SQLite file, in turn: a lock of the operating system beside the database.

SQLite's own waiting polls with growing pauses, so whoever just wrote writes again and others wait for seconds. A file
lock wakes those who wait in order. It is held by a fresh file descriptor a transaction, so threads wait for each other
as processes do, and a process that dies gives it back. Programs that do not know of it still meet SQLite's own lock.
"""

import fcntl
import os
import sqlite3
import threading
from typing import Any

# (lock file, thread) of the turns of this process: a second one in the same thread would wait for itself
_turns: dict[int, tuple[str, int]] = {}


class OneWriter(sqlite3.Connection):
    """A connection whose write transactions wait for their turn among all of the database's writers."""

    def __init__(self, database: str, *arguments: Any, **options: Any) -> None:
        super().__init__(database, *arguments, **options)
        self._lock_path = None if database in ("", ":memory:") else f"{database}.lock"
        self._turn: int | None = None

    def begin_immediate(self) -> None:
        """Begin a transaction that writes, when its turn comes."""
        self._take_turn()
        try:
            self.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._give_turn()
            raise

    def commit(self) -> None:
        """Commit; the next one's turn begins when this is durable."""
        try:
            super().commit()
        finally:
            # SQLite may leave a transaction open that it could not commit
            if not self.in_transaction:
                self._give_turn()

    def rollback(self) -> None:
        """Take back what the transaction did."""
        try:
            super().rollback()
        finally:
            self._give_turn()

    def close(self) -> None:
        """Close; an open transaction is taken back."""
        try:
            super().close()
        finally:
            self._give_turn()

    def _take_turn(self) -> None:
        if self._lock_path is None or self._turn is not None:
            return
        own = (self._lock_path, threading.get_ident())
        if own in _turns.values():
            raise RuntimeError("a unit of work that writes began inside another one")
        turn = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
        except BaseException:
            os.close(turn)
            raise
        self._turn = turn
        _turns[turn] = own

    def _give_turn(self) -> None:
        turn, self._turn = self._turn, None
        # in a forked child the descriptor is closed already
        if turn in _turns:
            del _turns[turn]
            os.close(turn)


def _forget_turns() -> None:
    """Close what a fork copied: the turn is the parent's."""
    for turn in _turns:
        os.close(turn)
    _turns.clear()


os.register_at_fork(after_in_child=_forget_turns)
