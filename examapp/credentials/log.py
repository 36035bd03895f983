"""The transparency log: append signed records, sign how long it is and what its root is, prove what it holds.

Entries are appended inside the write transaction, so indices have no gaps, and with them the head that covers them.
Nothing is signed on trust in memory: whoever appends first rebuilds the tree from what is stored, which must begin with
the tree of the checkpoint before, and then lets it grow by what it appends itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from examapp import sealed_rows
from examapp.accounts import access
from examapp.canonical import utc_string
from examapp.credentials import record
from examapp.credentials.checkpoint import TreeHead, sign_note
from examapp.credentials.key_store import Keys
from examapp.credentials.merkle import Tree
from examapp.credentials.models import Checkpoint, LogEntry
from examapp.db import db
from examapp.errors import N_, InvalidInput, NotFound, Tampered

# trees by their root: a root fixes its leaves, so what is kept here cannot go stale
_TREES: dict[str, Tree] = {}
_TREES_KEPT = 4


def length() -> int:
    """Return how many entries are stored."""
    last = db.session.scalar(select(func.max(LogEntry.index)))
    return 0 if last is None else last + 1


@dataclass(frozen=True)
class Signed:
    """A signed record that is not in the log yet: of which result, its id, its bytes, and when it was issued."""

    result_id: str
    record_id: str
    token: str
    at: datetime


def append(actor: access.Actor, keys: Keys, tree: Tree, signed: Sequence[Signed], *, at: datetime) -> int:
    """Store signed records and with them the signed head of the log; return how many.

    `tree` is that of the log and grows with it. Where the log has grown since the tree was read, nothing is stored:
    the records may be in it already.
    """
    access.require(actor, "work.run_due")
    if not signed or length() != tree.size:
        return 0
    leaves = [record.leaf(each.token) for each in signed]
    rows = [
        {"index": index, "result_id": each.result_id, "record_id": each.record_id, "record": each.token,
         "leaf_hash": leaf.hex(), "logged_at": utc_string(each.at)}
        for index, (each, leaf) in enumerate(zip(signed, leaves, strict=True), tree.size)
    ]  # fmt: skip
    sealed_rows.insert_rows(LogEntry, rows)
    tree.extend(leaves)
    _sign(tree, keys, at)
    return len(rows)


def head() -> Checkpoint | None:
    """Return the newest checkpoint; a log that nothing was signed for has none."""
    return db.session.scalar(select(Checkpoint).order_by(Checkpoint.size.desc()).limit(1))


def is_covered() -> bool:
    """Say whether the newest signed head covers all that is stored."""
    last = head()
    return (last.size if last else 0) == length()


def whole_tree() -> Tree:
    """Return the tree of all that is stored; `Tampered` unless it begins with that of the newest checkpoint."""
    last, tree = head(), Tree(leaf_hashes())
    if last is not None and (last.size > tree.size or tree.root(last.size).hex() != last.root_hash):
        raise Tampered("log.changed", N_("The log no longer begins with the entries that were signed before."))
    _check_new_entries(last.size if last else 0)
    return tree


def write_checkpoint(keys: Keys, *, at: datetime) -> Checkpoint | None:
    """Sign the head of what is stored and return it, or the last one if nothing was appended since."""
    last, tree = head(), whole_tree()
    if tree.size == (last.size if last else 0):
        return last
    return _sign(tree, keys, at)


def _sign(tree: Tree, keys: Keys, at: datetime) -> Checkpoint:
    tree_head = TreeHead(keys.origin, tree.size, tree.root())
    checkpoint = Checkpoint(
        size=tree.size, root_hash=tree_head.root.hex(), note=sign_note(tree_head.text, keys.origin, keys.log),
        signed_at=at,
    )  # fmt: skip
    db.session.add(checkpoint)
    return checkpoint


def leaf_hashes(size: int | None = None) -> list[bytes]:
    """Return the stored leaf hashes of the first `size` entries; a gap in the indices is `Tampered`."""
    query = select(LogEntry.index, LogEntry.leaf_hash).order_by(LogEntry.index)
    rows = db.session.execute(query if size is None else query.where(LogEntry.index < size)).all()
    if any(index != position for position, (index, _) in enumerate(rows)):
        raise Tampered("log.gap", N_("Entries are missing from the log."))
    return [bytes.fromhex(stored) for _, stored in rows]


def _check_new_entries(start: int) -> None:
    query = select(LogEntry.index, LogEntry.record, LogEntry.leaf_hash).where(LogEntry.index >= start)
    for index, token, stored in db.session.execute(query):
        if record.leaf(token).hex() != stored:
            raise Tampered("log.changed_entry", N_("Log entry %(index)s is not what was appended."), index=index)


def inclusion(index: int, size: int) -> list[str]:
    """Return the proof that entry `index` stands in the log of the first `size` entries, as hexadecimal hashes."""
    tree = _tree(size)
    if not 0 <= index < size:
        raise InvalidInput("proof.index", N_("index must be from 0 to below size (%(size)s)."), size=size)
    return [step.hex() for step in tree.inclusion_proof(index, size)]


def consistency(first: int, second: int) -> list[str]:
    """Return the proof that the log of `second` entries begins with that of `first`, as hexadecimal hashes."""
    tree = _tree(second)
    if not 0 < first <= second:
        raise InvalidInput("proof.from", N_("from must be from 1 to to (%(size)s)."), size=second)
    return [step.hex() for step in tree.consistency_proof(first, second)]


def _tree(size: int) -> Tree:
    """Return the tree of the newest checkpoint, rebuilt from storage and compared; it must cover `size` entries."""
    checkpoint = head()
    if checkpoint is None:
        raise NotFound("log.empty", N_("The log has no entries yet."))
    if not 0 < size <= checkpoint.size:
        raise InvalidInput("proof.size", N_("The log has %(size)s entries."), size=checkpoint.size)
    tree = _TREES.get(checkpoint.root_hash)
    if tree is None:
        tree = Tree(leaf_hashes(checkpoint.size))
        if tree.size != checkpoint.size or tree.root().hex() != checkpoint.root_hash:
            raise Tampered("log.changed", N_("The log no longer begins with the entries that were signed before."))
        while len(_TREES) >= _TREES_KEPT:
            _TREES.pop(next(iter(_TREES)), None)
        _TREES[checkpoint.root_hash] = tree
    return tree
