"""In which order a trainee sees items and options: fixed by the sitting's stored seed.

Items of one type that stand side by side in the form are shuffled among themselves, so the order of sections stays;
items that share a stimulus keep their place and order. The shuffle sorts by SHA-256, so any program in any language
can recompute it from the seed.
"""

import hashlib
from collections.abc import Callable, Sequence
from itertools import groupby
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
    rank = _ranking(seed)
    for (_, stimulus), block in groupby(places, key=lambda place: (place.item_type, place.stimulus)):
        members = list(block)
        if stimulus is None:
            members.sort(key=lambda place: rank(str(place.slot)))
        ordered.extend(members)
    return [_shuffled_options(place, rank) for place in ordered]


def _shuffled_options(place: Place, rank: Callable[[str], bytes]) -> Place:
    # the lines of a document are read in their own order
    if place.item_type == "fault_finding" or not place.options:
        return place
    options = sorted(place.options, key=lambda option: rank(f"{place.slot}:{option}"))
    return Place(place.slot, place.item_type, place.stimulus, tuple(options))


def _ranking(seed: int) -> Callable[[str], bytes]:
    """Return the function that ranks a name by the SHA-256 of "seed:name"; what all names share is hashed once."""
    shared = hashlib.sha256(f"{seed}:".encode())

    def rank(name: str) -> bytes:
        own = shared.copy()
        own.update(name.encode())
        return own.digest()

    return rank
