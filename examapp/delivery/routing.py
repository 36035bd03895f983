"""In which order a trainee sees items and options: fixed by the sitting's stored seed.

Items of one type that stand side by side in the form are shuffled among themselves, so the order of sections stays;
items that share a stimulus keep their place and order. The shuffle sorts by ranks: successive 32-bit numbers, high byte
first, of SHAKE-256 over the seed in decimal, drawn slot by slot as the form has them, one for the item and then one for
each of its options. So any program in any language can recompute it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from struct import unpack
from typing import NamedTuple


class Place(NamedTuple):
    """A slot of a form as ordering sees it."""

    slot: int
    item_type: str
    stimulus: str | None
    options: tuple[str, ...] = ()


def order(places: Sequence[Place], seed: int) -> list[Place]:
    """Return the places in the trainee's order, each with its options in the trainee's order."""
    ordered: list[Place] = []
    ranked = zip(_ranks(places, seed), places, strict=True)
    for (_, stimulus), block in groupby(ranked, key=lambda pair: (pair[1].item_type, pair[1].stimulus)):
        members = list(block)
        if stimulus is None:
            members.sort()
        ordered += [_shuffled_options(place, ranks) for ranks, place in members]
    return ordered


def _ranks(places: Sequence[Place], seed: int) -> Iterator[tuple[int, ...]]:
    """Return for each place the rank of its item and of each of its options."""
    counts = [1 + len(place.options) for place in places]
    drawn = hashlib.shake_256(str(seed).encode()).digest(4 * sum(counts))
    ranks = iter(unpack(f">{sum(counts)}I", drawn))
    return (tuple(islice(ranks, count)) for count in counts)


def _shuffled_options(place: Place, ranks: tuple[int, ...]) -> Place:
    # the lines of a document are read in their own order
    if place.item_type == "fault_finding" or not place.options:
        return place
    options = [option for _, option in sorted(zip(ranks[1:], place.options, strict=True))]
    return Place(place.slot, place.item_type, place.stimulus, tuple(options))
