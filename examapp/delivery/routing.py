"""In which order a trainee sees items and options: fixed by the sitting's stored seed.

Items of one type that stand side by side in the form are shuffled among themselves, so the order of sections stays;
items that share a stimulus keep their place and order. The shuffle sorts by SHA-256, so any program in any language
can recompute it from the seed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class Place:
    """A slot of a form as ordering sees it."""

    slot: int
    item_type: str
    stimulus: str | None
    options: tuple[str, ...] = ()


def order(places: Sequence[Place], seed: int) -> list[Place]:
    """Return the places in the trainee's order, each with its options in the trainee's order."""
    ordered: list[Place] = []
    for (_, stimulus), block in groupby(places, key=lambda place: (place.item_type, place.stimulus)):
        members = list(block)
        if stimulus is None:
            members.sort(key=lambda place: _rank(seed, str(place.slot)))
        ordered.extend(members)
    return [_shuffled_options(place, seed) for place in ordered]


def _shuffled_options(place: Place, seed: int) -> Place:
    # the lines of a document are read in their own order
    if place.item_type == "fault_finding":
        return place
    options = sorted(place.options, key=lambda option: _rank(seed, f"{place.slot}:{option}"))
    return Place(place.slot, place.item_type, place.stimulus, tuple(options))


def _rank(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()
