from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.job.codec import decode, encode
from CardiacMTLLib.labels import Group, Label, Phase


@dataclass(frozen=True, slots=True)
class Leaf:
    number: float
    name: str | None = None
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Tree:
    leaves: tuple[Leaf, ...]
    pair: tuple[int, float]
    by_phase: Mapping[Phase, Leaf]
    by_label: Mapping[Label, float] | None
    chosen: frozenset[int]
    either: Leaf | tuple[int, ...] | None = None
    groups: list[Group] = field(default_factory=list)
    anything: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class WithArrays:
    masks: Mapping[Phase, NDArray[np.uint8]]
    cine: NDArray[Any] | None
    note: str = ""


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.builds(Leaf, NUMBERS, st.none() | st.text(), st.booleans())
TREES = st.builds(
    Tree,
    st.lists(LEAVES).map(tuple),
    st.tuples(st.integers(), NUMBERS),
    st.dictionaries(st.sampled_from(Phase), LEAVES),
    st.none() | st.dictionaries(st.sampled_from(Label), NUMBERS),
    st.frozensets(st.integers()),
    st.none() | LEAVES | st.lists(st.integers()).map(tuple),
    st.lists(st.sampled_from(Group)),
    st.none() | st.text() | st.lists(NUMBERS) | st.dictionaries(st.text(), st.integers()),
)


def there_and_back(value: object, kind: object = None, **given_fields: object) -> Any:
    arrays: dict[str, NDArray[Any]] = {}
    text = json.dumps(encode(value, arrays, leave_out=tuple(given_fields)), allow_nan=False)
    return decode(json.loads(text), kind or type(value), arrays, "the value", **given_fields)


@given(TREES)
def test_any_value_comes_back_as_it_was_and_of_the_same_types(tree: Tree) -> None:
    back = there_and_back(tree)
    assert back == tree
    assert [type(getattr(back, each.name)) for each in fields(tree)] == [
        type(getattr(tree, each.name)) for each in fields(tree)
    ]
    assert all(type(key) is Label for key in back.by_label or {})
    assert all(type(leaf.number) is float for leaf in back.leaves)


def test_arrays_are_named_by_the_fields_that_lead_to_them_and_keep_type_and_shape() -> None:
    arrays: dict[str, NDArray[Any]] = {}
    value = WithArrays({Phase.ED: np.zeros((2, 3, 4), np.uint8)}, np.arange(6, dtype=np.int16).reshape(1, 1, 2, 3))
    record = encode(value, arrays)
    assert record == {"masks": {"ED": {"array": "masks.ED"}}, "cine": {"array": "cine"}, "note": ""}
    back = decode(record, WithArrays, arrays, "it")
    assert back.masks[Phase.ED] is value.masks[Phase.ED]
    assert back.cine.dtype == np.int16


def test_numbers_of_numpy_travel_as_plain_ones() -> None:
    assert there_and_back(Leaf(np.float32(0.5), None, np.bool_(False))) == Leaf(0.5, None, False)  # type: ignore[arg-type]


def test_a_field_that_is_left_out_is_given_and_one_that_is_missing_takes_its_default() -> None:
    assert there_and_back(Leaf(1.0, "x"), name="y") == Leaf(1.0, "y")
    assert decode({"number": 2}, Leaf, {}, "it") == Leaf(2.0)


@pytest.mark.parametrize("value", [Path("x"), object(), np.array([object()]), {"a": 1j}, frozenset({Path("x")})])
def test_what_cannot_travel_is_an_error_of_the_writer(value: object) -> None:
    with pytest.raises(TypeError, match="does not travel"):
        encode(value, {})


TREE = {"leaves": [], "pair": [1, 2.0], "by_phase": {}, "by_label": None, "chosen": []}


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"number": 1.0, "colour": "red"}, "unknown keys \\['colour'\\]"),
        ({}, "number"),
        ({"number": "1"}, "it.number is '1'; expected float"),
        ({"number": True}, "it.number is True; expected float"),
        ({"number": None}, "it.number is None"),
        ({"number": 1.0, "name": 3}, "it.name is 3; expected str"),
        ({"number": 1.0, "sure": 1}, "it.sure is 1; expected bool"),
        ([], "cannot be rebuilt"),
        ("x", "cannot be rebuilt"),
        (None, "cannot be rebuilt"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_by_name(record: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        decode(record, Leaf, {}, "it")


@pytest.mark.parametrize(
    "change",
    [
        {"pair": [1]},
        {"pair": [1, 2.0, 3]},
        {"pair": "12"},
        {"leaves": {}},
        {"leaves": [3]},
        {"by_phase": {"MID": {"number": 1.0}}},
        {"by_phase": []},
        {"by_label": {"9": 1.0}},
        {"either": "x"},
        {"either": {"number": "x"}},
        {"groups": ["NONE"]},
        {"chosen": [1.5]},
    ],
)
def test_a_nested_value_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    assert decode(TREE, Tree, {}, "it").pair == (1, 2.0)
    with pytest.raises(InputError, match=r"^it cannot be rebuilt"):
        decode(TREE | change, Tree, {}, "it")


@pytest.mark.parametrize("reference", [{"array": "absent"}, {}, [], "cine"])
def test_an_array_that_is_not_there_is_named(reference: object) -> None:
    with pytest.raises(InputError, match="cannot be rebuilt"):
        decode({"masks": {}, "cine": reference}, WithArrays, {}, "it")
