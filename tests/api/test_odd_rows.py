"""Odd rows and bytes: one of them costs neither the others nor the audit, and nothing is called complete without it."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial

import pytest
from changing_list import ChangingList, reading_list, row
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from doaudit.actions import to_frame
from doaudit.analysis.problems import problems
from doaudit.api.paging import most_requests, read_actions
from doaudit.errors import ReadIncomplete, UnexpectedAnswer
from doaudit.history.refresh import refresh
from doaudit.history.store import open_store

DEEP = "[" * 100_000 + "]" * 100_000
WITHOUT_ID = {
    "a UUID": '"7724db7c-e098-11e5-b522-000f53304e51"',
    "one past 64 bits": str(2**63),
    "far past 64 bits": str(2**70),
    "a number of 5,000 digits": "9" * 5000,
    "a text of 5,000 digits": f'"{"9" * 5000}"',
    "null": "null",
    "true": "true",
    "a fraction": "7.5",
    "an object": '{"id": 7}',
    "much depth": DEEP,
}
SOUND = [row(n) for n in range(40)]


def odd(text, **fields):
    """An action as text, with one field in place of another's."""
    [name] = fields or {"": ""}
    body = json.dumps({**row(40), **dict.fromkeys(fields, "@")})
    return body.replace(f'"{name}": "@"', f'"{name}": {text}')


def read(*rows, **options):
    """Read a list of 40 sound actions and these."""
    changing = ChangingList([*SOUND, *rows])
    with reading_list(changing) as client:
        return read_actions(client, per_page=10, **options), changing


@pytest.mark.parametrize("kind", WITHOUT_ID)
def test_a_row_without_a_usable_id_is_kept_aside_and_named(kind):
    """It is counted, its text is in hand, the read is incomplete for this reason, and the others are there."""
    text = odd(WITHOUT_ID[kind], id=...)

    listing, changing = read(text)

    assert len(listing.records) == 40
    assert (listing.proof.complete, listing.proof.distinct_ids, listing.proof.total_reported) == (False, 40, 41)
    assert listing.proof.reason == "1 row has no id by which an action can be told from others"
    assert [aside[:10] for aside in listing.set_aside] == [text[:10]]
    assert len(changing.requests) <= most_requests(41, 10)


@pytest.mark.parametrize("text", ["7", '"text"', "null", "[]", "{}"])
def test_a_row_that_is_no_action_is_kept_aside(text):
    """Something else than an object, or an empty one, has no id either."""
    listing, _ = read(text)

    assert (len(listing.records), listing.set_aside, listing.proof.complete) == (40, (text,), False)


ODD_FIELDS = {
    "a resource id past 64 bits": ("resource_id", str(2**63), "resource_id"),
    "a resource id in words": ("resource_id", '"seven"', "resource_id"),
    "a start past the year 9999": ("started_at", str(10**13), "started_at"),
    "a start before 1970": ("started_at", "-5", "started_at"),
    "now": ("started_at", '"now"', "started_at"),
    "today": ("completed_at", '"today"', "completed_at"),
    "a year": ("started_at", '"2026"', "started_at"),
    "a day": ("started_at", '"2026-03-12"', "started_at"),
    "no zone": ("started_at", '"2026-03-12T22:27:07"', "started_at"),
    "a day that there is not": ("started_at", '"2026-02-30T22:27:07Z"', "started_at"),
    "a list for a time": ("started_at", "[1]", "started_at"),
    "a region of a number": ("region_slug", 'null, "region": 7', "region"),
    "much depth": ("region_slug", f'null, "region": {DEEP}', "region"),
}


@pytest.mark.parametrize("kind", ODD_FIELDS)
def test_an_odd_field_is_null_and_a_problem(kind):
    """The row stays, the read is complete, and the field is null in the frame and told among the problems."""
    field, text, column = ODD_FIELDS[kind]

    listing, _ = read(odd(text, **{field: ...}))
    frame = to_frame(listing.records, listing.observed_at)

    assert listing.proof.complete
    assert frame.set_index("id")[column].isna()[1040]
    assert 1040 in set(problems(frame)["id"]) or column == "resource_id"


@pytest.mark.parametrize("text", ['"po\udcffwer"', '"\\ud800"', '"a\\u0000b"', '"\udced\udca0\udc80"'])
def test_a_byte_that_is_no_unicode_costs_no_row(text):
    """A text with it is kept as far as it can be read, in memory and in a history."""
    changing, store = ChangingList([*SOUND, odd(text, type=...)]), open_store(":memory:", "mine")
    with reading_list(changing) as client:
        result = refresh(client, store, names=False)

    assert (result.complete, store.count()) == (True, 41)
    assert "unknown_type" in problems(store.read()).set_index("id").loc[[1040], "problem"].tolist()


def test_a_row_that_stays_aside_is_not_searched_for_again_and_again():
    """A history with such a row costs one request at the next look, and is still said to be incomplete."""
    changing, store = ChangingList([odd("null", id=...), *SOUND]), open_store(":memory:", "mine")
    with reading_list(changing) as client, pytest.MonkeyPatch.context() as patched:
        patched.setattr("doaudit.history.refresh.read_actions", partial(read_actions, per_page=10))
        first, second = (refresh(client, store, names=False) for _ in range(2))
        changing.arrive(3)
        third = refresh(client, store, names=False)

    assert [each.complete for each in (first, second, third)] == [False] * 3
    assert (second.requests, third.new, store.count()) == (1, 3, 43)
    assert "1 row has no id" in str(second)
    assert "Set aside, because it has no usable id" in str(first)


@pytest.mark.parametrize(
    "body",
    [
        b'{"actions": [], "meta": {"total": -1}}',
        b'{"actions": {}, "meta": {"total": 1}}',
        b'{"actions": []}',
        b'{"actions": [{"id": 1}, {"id"',
        b'[{"actions": []}]',
        b'{"actions": [], "meta": {"total": "7"}}',
        b"null",
        DEEP.encode(),
    ],
    ids=lambda body: body[:40].decode(),
)
def test_a_body_that_is_no_page_is_asked_for_again_and_then_an_error(body):
    """It is a fault like any other, and never an empty list."""
    changing = ChangingList([])
    changing.as_text = lambda *_: body.decode()

    with reading_list(changing) as client, pytest.raises(UnexpectedAnswer, match="could not be read"):
        read_actions(client)

    assert len(changing.requests) == 5


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)
IDS = st.integers(-(2**66), 2**66) | st.integers(1, 9) | st.integers(1, 9).map(str) | VALUES
TIMES = st.datetimes().map(lambda at: at.isoformat() + "Z") | st.integers(-10, 10**14) | VALUES
FIELDS = dict.fromkeys(("status", "type", "resource_type", "region", "region_slug"), VALUES)
ROWS = st.fixed_dictionaries(
    {}, optional={"id": IDS, "started_at": TIMES, "completed_at": TIMES, "resource_id": IDS, **FIELDS}
)


def usable(value):
    """The plain rule of which ids are numbers of 64 bits."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value.strip()) <= 19:
        value = int(value)
    return value if type(value) is int and -(2**63) <= value < 2**63 else None


@pytest.fixture(scope="module")
def served():
    """A list that serves many examples, and a client of it."""
    changing = ChangingList([])
    with reading_list(changing) as client:
        yield changing, client


@examples(2000, quick=20, deadline=None)
@given(rows=st.lists(ROWS | VALUES, max_size=9), sound=st.integers(0, 9), noise=st.binary(max_size=3))
def test_no_row_stops_a_read_and_none_is_lost(served, rows, sound, noise):
    """Whatever the rows are: each with an id is in hand, each without is aside, and complete is only what is."""
    extra = noise.decode("latin-1").translate({0x22: None, 0x5C: None, **dict.fromkeys(range(32))})
    texts = [json.dumps(each) for each in rows] + [f'{{"id": 77, "type": "{extra}"}}']
    changing, client = served
    changing.rows, changing.encoding = [*SOUND[:sound], *texts], "latin-1"
    changing.as_text = ChangingList([]).as_text
    changing.requests.clear()

    listing = read_actions(client, per_page=7, in_flight=1)

    ids = {usable(each.get("id")) for each in rows if isinstance(each, dict)} - {None}
    ids |= {77, *range(1000, 1000 + sound)}
    assert {record.id for record in listing.records} == ids
    aside = [each for each in rows if not isinstance(each, dict) or usable(each.get("id")) is None]
    assert bool(listing.set_aside) == bool(aside)
    assert not (listing.proof.complete and (aside or len(ids) != len(changing.rows)))
    assert len(changing.requests) <= most_requests(len(changing.rows), 7)
    frame = to_frame(listing.records, listing.observed_at)
    assert sorted(frame["id"]) == sorted(ids)
    assert "np." not in " ".join(problems(frame)["detail"])


WHOLE = json.dumps({"actions": SOUND[:9], "links": {}, "meta": {"total": 9}})
CUTS = st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 30), st.binary(max_size=6))


@examples(2000, quick=20, deadline=None)
@given(cuts=st.lists(CUTS, min_size=1, max_size=4))
def test_no_body_stops_a_read_but_with_an_error_of_our_own(served, cuts):
    """However a page is cut and filled with noise, it is read, within bounds, or it is an error of ours."""
    body = WHOLE.encode()
    for at, length, noise in cuts:
        body = body[:at] + noise + body[at + length :]
    changing, client = served
    changing.rows, changing.as_text = [], lambda *_: body.decode("utf-8", "surrogateescape")
    changing.encoding = "utf-8"
    changing.requests.clear()

    listing = None
    with suppress(UnexpectedAnswer, ReadIncomplete):
        listing = read_actions(client, in_flight=1)

    assert len(changing.requests) <= 22 + 20, "what a read may take, and the attempts at a page that is no page"
    if listing is not None:
        frame = to_frame(listing.records, listing.observed_at)
        assert len(frame) == listing.proof.distinct_ids
        assert listing.proof.complete == (listing.proof.total_reported == len(frame) and not listing.set_aside)
        assert len(frame) or listing.set_aside or listing.proof.total_reported == 0 or not listing.proof.complete
