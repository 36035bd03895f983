"""The Merkle tree of RFC 9162, section 2.1: hashes, inclusion proofs and consistency proofs.

Hashes are 32 bytes. A tree is given by the hashes of its leaves, in order; `Tree` keeps every complete level, so a
proof takes as many steps as the tree is high.
"""

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 of 0x00 and its bytes."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 of 0x01 and its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree over leaf hashes; `levels[k]` holds the hashes of all complete subtrees of 2**k leaves."""

    def __init__(self, leaf_hashes: Sequence[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        self.extend(leaf_hashes)

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._levels[0])

    def extend(self, leaf_hashes: Sequence[bytes]) -> None:
        """Add leaves behind the last one."""
        self._levels[0].extend(leaf_hashes)
        for height in range(self.size.bit_length() - 1):
            if height + 1 == len(self._levels):
                self._levels.append([])
            below, level = self._levels[height], self._levels[height + 1]
            level += [node_hash(below[i], below[i + 1]) for i in range(2 * len(level), len(below) - 1, 2)]

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` leaves, all of them if none is named."""
        size = self.size if size is None else size
        if not 0 <= size <= self.size:
            raise ValueError(f"the tree has {self.size} leaves, not {size}")
        return self._root_of(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the audit path of leaf `index` in the tree of the first `size` leaves, from the leaf upward."""
        size = self.size if size is None else size
        if not 0 <= index < size <= self.size:
            raise ValueError(f"no leaf {index} in a tree of {size} of {self.size} leaves")
        return self._path(index, 0, size)

    def consistency_proof(self, first: int, second: int | None = None) -> list[bytes]:
        """Return the proof that the tree of `first` leaves is the beginning of that of `second`."""
        second = self.size if second is None else second
        if not 0 < first <= second <= self.size:
            raise ValueError(f"no consistency proof from {first} to {second} in a tree of {self.size} leaves")
        return [] if first == second else self._subproof(first, 0, second, True)

    def _root_of(self, start: int, size: int) -> bytes:
        """The hash over `size` leaves from `start`, where `start` is a multiple of the split: the levels hold it."""
        if size & (size - 1) == 0:
            level = size.bit_length() - 1
            return self._levels[level][start >> level]
        split = _split(size)
        return node_hash(self._root_of(start, split), self._root_of(start + split, size - split))

    def _path(self, index: int, start: int, size: int) -> list[bytes]:
        if size == 1:
            return []
        split = _split(size)
        if index < split:
            return [*self._path(index, start, split), self._root_of(start + split, size - split)]
        return [*self._path(index - split, start + split, size - split), self._root_of(start, split)]

    def _subproof(self, first: int, start: int, size: int, is_whole: bool) -> list[bytes]:
        if first == size:
            return [] if is_whole else [self._root_of(start, size)]
        split = _split(size)
        if first <= split:
            return [*self._subproof(first, start, split, is_whole), self._root_of(start + split, size - split)]
        right = self._subproof(first - split, start + split, size - split, False)
        return [*right, self._root_of(start, split)]


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def includes(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Say whether `path` proves that `leaf` stands at `index` of a tree of this size and root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or not len(leaf) == len(root) == 32:
        return False
    position, last, reached = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            reached = node_hash(sibling, reached)
            while position & 1 == 0 and position:
                position, last = position >> 1, last >> 1
        else:
            reached = node_hash(reached, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and reached == root


def extends(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether `proof` shows that the second tree begins with the first (RFC 9162, 2.1.4.2).

    A first tree without leaves is refused: it is the beginning of every tree, so nothing would be proven.
    """
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    steps = list(proof) if first & (first - 1) else [first_root, *proof]
    if not steps:
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    first_reached = second_reached = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first_reached = node_hash(sibling, first_reached)
            second_reached = node_hash(sibling, second_reached)
            while position & 1 == 0 and position:
                position, last = position >> 1, last >> 1
        else:
            second_reached = node_hash(second_reached, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and first_reached == first_root and second_reached == second_root
