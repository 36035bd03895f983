import base64
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examapp.credentials.merkle import EMPTY_ROOT, Tree, extends, includes, leaf_hash
from tests.credentials.reference import VECTORS, needs_reference

# the eight leaves and the roots of RFC 6962 implementations; tests/data/SOURCES.md, "merkle tree of eight leaves"
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
EIGHT = Tree([leaf_hash(leaf) for leaf in LEAVES])


@pytest.mark.parametrize("size", range(9))
def test_root_of_the_first_leaves_is_the_published_one(size):
    assert EIGHT.root(size).hex() == ROOTS[size]


def test_inclusion_proof_of_leaf_five_of_eight_is_the_published_one():
    assert [step.hex() for step in EIGHT.inclusion_proof(5)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_consistency_proof_from_six_to_eight_is_the_published_one():
    assert [step.hex() for step in EIGHT.consistency_proof(6)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(st.integers(1, 70), st.data())
def test_every_inclusion_proof_holds_and_holds_for_nothing_else(size, data):
    tree = Tree([leaf_hash(bytes([number])) for number in range(70)])
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 69))
    path = tree.inclusion_proof(index, size)
    assert includes(leaf_hash(bytes([index])), index, size, path, tree.root(size))
    assert includes(leaf_hash(bytes([other])), index, size, path, tree.root(size)) == (other == index)


@given(st.integers(1, 70), st.integers(0, 69))
def test_every_consistency_proof_holds_and_not_for_another_first_root(first, more):
    tree = Tree([leaf_hash(bytes([number])) for number in range(70)])
    second = min(first + more, 70)
    proof = tree.consistency_proof(first, second)
    assert extends(first, second, tree.root(first), tree.root(second), proof)
    assert not extends(first, second, EMPTY_ROOT, tree.root(second), proof)


def test_proof_from_an_empty_tree_is_refused():
    assert not extends(0, 8, EMPTY_ROOT, EIGHT.root(), [])
    with pytest.raises(ValueError, match="no consistency proof"):
        EIGHT.consistency_proof(0)


def test_tree_grows_without_changing_its_beginning():
    for first, second in pairwise(range(1, 9)):
        grown = Tree([leaf_hash(leaf) for leaf in LEAVES[:second]])
        assert grown.root(first) == Tree([leaf_hash(leaf) for leaf in LEAVES[:first]]).root()


def _published(kind: str) -> list[Path]:
    return sorted((VECTORS / "merkle-rfc9162" / kind).rglob("*.json"))


def _bytes(values: list[str] | None) -> list[bytes]:
    return [base64.b64decode(value) for value in values or []]


@needs_reference
@pytest.mark.reference
def test_inclusion_vectors_of_transparency_dev_are_judged_as_published():
    files = _published("inclusion")
    assert len(files) > 90
    for file in files:
        case = json.loads(file.read_text())
        leaf, root = _bytes([case["leafHash"] or "", case["root"] or ""])
        holds = includes(leaf, case["leafIdx"], case["treeSize"], _bytes(case["proof"]), root)
        assert holds == (not case["wantErr"]), file


@needs_reference
@pytest.mark.reference
def test_consistency_vectors_of_transparency_dev_are_judged_as_published():
    files = _published("consistency")
    assert len(files) > 90
    for file in files:
        case = json.loads(file.read_text())
        first_root, second_root = _bytes([case["root1"] or "", case["root2"] or ""])
        holds = extends(case["size1"], case["size2"], first_root, second_root, _bytes(case["proof"]))
        assert holds == (not case["wantErr"]), file
