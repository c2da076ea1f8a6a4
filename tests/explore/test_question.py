"""Questions that a browser asks: what is none of the few is refused, whatever it is."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from selections import CHOSEN, makes_sense

import doaudit as da
from doaudit.errors import InvalidArgument
from doaudit.explore.question import KINDS, MOST_ROWS, Question, read_question

ASKED = {"kind": "look", "view": "v", "number": 1}

REFUSED = {
    "no object": "look",
    "a list": [ASKED],
    "nothing": None,
    "no kind": {"view": "v", "number": 1},
    "another kind": {**ASKED, "kind": "sql"},
    "a kind that is a list": {**ASKED, "kind": ["look"]},
    "SQL": {**ASKED, "query": "SELECT * FROM read_csv('/etc/passwd')"},
    "a path": {**ASKED, "path": "/etc/passwd"},
    "a name that is no text": {**ASKED, 7: 8},
    "a condition that is none": {**ASKED, "selection": {"where": "1=1"}},
    "a method as a condition": {**ASKED, "selection": {"__class__": "x"}},
    "a selection that is a text": {**ASKED, "selection": "type = 'resize'"},
    "an outcome that is none": {**ASKED, "selection": {"outcome": ["lost"]}},
    "a type that is a number": {**ASKED, "selection": {"type": 7}},
    "a type that is an object": {**ASKED, "selection": {"type": [{"a": 1}]}},
    "a moment that is none": {**ASKED, "selection": {"since": "yesterday; DROP TABLE actions"}},
    "a moment that is a number": {**ASKED, "selection": {"since": 1e308}},
    "an overlapping that is a text": {**ASKED, "selection": {"since": "7d", "overlapping": "yes"}},
    "an empty list": {**ASKED, "selection": {"type": []}},
    "too many values": {**ASKED, "selection": {"type": ["resize"] * 2_001}},
    "a long value": {**ASKED, "selection": {"type": ["x" * 301]}},
    "a column that is none": {**ASKED, "kind": "rows", "sort": "completed_at; --"},
    "a column that is an object": {**ASKED, "kind": "rows", "sort": {}},
    "a negative offset": {**ASKED, "kind": "rows", "offset": -1},
    "an offset that is a truth": {**ASKED, "kind": "rows", "offset": True},
    "an offset beyond all": {**ASKED, "kind": "rows", "offset": 2**64},
    "an offset that is no whole number": {**ASKED, "kind": "rows", "offset": 0.5},
    "more rows than a page": {**ASKED, "kind": "rows", "limit": MOST_ROWS + 1},
    "a long text": {**ASKED, "kind": "find", "text": "x" * 301},
    "a text that is none": {**ASKED, "kind": "find", "text": ["x"]},
    "a resource that is none": {**ASKED, "kind": "resource", "resource": 7},
    "a view that is none": {**ASKED, "view": {"a": "b"}},
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_question_is_refused(content):
    """It is an error of ours, in one short paragraph, and never one of Python."""
    with pytest.raises(InvalidArgument) as caught:
        read_question(content)

    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
NAMES = [*Question.__dataclass_fields__]


CONDITIONS = [*da.Selection.__dataclass_fields__]
SELECTIONS = st.fixed_dictionaries(
    {"kind": st.sampled_from(KINDS), "selection": st.dictionaries(st.sampled_from(CONDITIONS), JSON)}
)


@examples(2_000, quick=150)
@given(content=st.one_of(JSON, st.dictionaries(st.sampled_from(NAMES), JSON), SELECTIONS))
def test_any_json_is_a_question_or_refused(content):
    """Whatever JSON a message holds, it is read or refused, and nothing else is raised."""
    with suppress(InvalidArgument):
        assert read_question(content).kind in KINDS


@examples(300, quick=30)
@given(chosen=CHOSEN.filter(makes_sense))
def test_a_selection_comes_through_json_as_it_was(chosen):
    """What is sent of a selection and read back is the same selection."""
    sent = json.loads(json.dumps({**ASKED, "selection": chosen}))

    assert read_question(sent).selection == da.Selection(**chosen)
