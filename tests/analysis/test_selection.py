"""Selections of actions, against a plain loop over the rows."""

from __future__ import annotations

import string
import warnings
from datetime import UTC, date, datetime, timedelta

import narwhals as nw
import pandas as pd
import pytest
from engine_frames import plain, to_polars
from examples import examples
from hypothesis import example, given
from hypothesis import strategies as st
from joined import joined
from selections import CHOSEN, makes_sense, odd_actions, quietly

import doaudit as da
from doaudit.analysis.conditions import pattern_regex
from doaudit.analysis.engines import to_pandas
from doaudit.errors import InvalidArgument

WORDS = st.text(st.sampled_from("ab-.$^+(\\|\n"), max_size=5)
PATTERNS = st.text(st.sampled_from("ab-.$^+(\\|*?"), min_size=1, max_size=5)
OUTCOME = {"completed": "completed", "done": "completed", "errored": "errored", "in-progress": "open"}


def like(text, pattern):
    """Compare character by character; a star tries every rest."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(like(text[at:], pattern[1:]) for at in range(len(text) + 1))
    fits = text[:1] == pattern[0] or (pattern[0] == "?" and text[:1] not in ("", "\n"))
    return fits and like(text[1:], pattern[1:])


def outcome_of(row):
    """The outcome, as `doaudit.analysis.tally` describes it."""
    return OUTCOME.get(row["status"], "open" if pd.isna(row["completed_at"]) else "unclear")


def one_of(value, wanted):
    """Whether a value is, or is like, one of those; None is null."""
    return None in wanted if pd.isna(value) else any(like(value, each) for each in wanted if each is not None)


def moment(text, newest):
    """The moment that a text of this test means."""
    return newest - timedelta(hours=int(text[:-1])) if text.endswith("h") else datetime.fromisoformat(text)


def in_window(row, chosen, newest):
    """Whether an action started in the window, or was running in it, where that is asked for."""
    start, ended = row["started_at"], row["completed_at"]
    if pd.isna(start):
        return not {"since", "until"} & chosen.keys()
    if "until" in chosen and start >= moment(chosen["until"], newest):
        return False
    if "since" not in chosen or start >= (since := moment(chosen["since"], newest)):
        return True
    ran_on = outcome_of(row) == "open" or (pd.notna(ended) and ended > since)
    return ran_on and "overlapping" in chosen


def fulfils(row, chosen, newest):
    """Whether a row is to be selected, from the words of the documentation."""
    texts = [
        str(row[name]).lower() for name in ("type", "resource", "resource_name", "region", "id") if pd.notna(row[name])
    ]
    conditions = {
        "outcome": lambda wanted: outcome_of(row) in wanted,
        "text": lambda wanted: any(wanted.lower() in text for text in texts),
        "resource": lambda wanted: one_of(row["resource"], wanted) or named(row, wanted),
    }
    columns = {
        name: one_of(row[name], chosen[name])
        for name in ("type", "status", "region", "resource_type")
        if name in chosen
    }
    others = [holds(chosen[name]) for name, holds in conditions.items() if name in chosen]
    return in_window(row, chosen, newest) and all(columns.values()) and all(others)


def named(row, wanted):
    """Whether the resource's name is one of those; a missing name is no null resource."""
    return pd.notna(row["resource_name"]) and one_of(row["resource_name"], wanted)


def ids(frame):
    """The ids of a frame of any engine, sorted."""
    return sorted(to_pandas(nw.from_native(frame).select("id"))["id"].tolist())


@pytest.fixture(scope="module")
def actions(frame):
    """Forty actions of nine days in which everything odd occurs."""
    return odd_actions(frame)


@pytest.fixture(scope="module")
def rows(actions):
    """Return the same as dictionaries, and the newest time of observation."""
    return actions.astype(object).to_dict("records"), actions["observed_at"].max()


@examples(600, quick=30)
@given(chosen=CHOSEN.filter(makes_sense))
def test_a_selection_has_the_rows_that_a_loop_finds(actions, rows, chosen):
    """Every condition holds for each selected row, and rows, order, index, columns and dtypes stay as they were."""
    records, newest = rows
    wanted = [fulfils(row, chosen, newest) for row in records]

    pd.testing.assert_frame_equal(quietly(actions, **chosen), actions[wanted])


@examples(60, quick=5)
@given(chosen=CHOSEN.filter(makes_sense))
def test_every_engine_selects_the_same_rows(actions, elsewhere, chosen):
    """A frame of another engine comes back as one of its own kind, lazy if it was, with all of its columns."""
    given_frame = elsewhere(actions)

    made = quietly(given_frame, **chosen)

    assert type(made) is type(given_frame)
    assert nw.from_native(made).collect_schema() == nw.from_native(given_frame).collect_schema()
    assert ids(made) == ids(quietly(actions, **chosen))


@examples(400, quick=40)
@given(words=st.lists(WORDS, min_size=1, max_size=6), pattern=PATTERNS, spread=st.booleans())
@example(words=["ab", "ab\n", "ab\nb"], pattern="a?", spread=False)
def test_a_pattern_knows_two_wildcards_and_nothing_else(frame, words, pattern, spread):
    """Whatever else regular expressions or shells know stands for itself, in pandas and in Polars."""
    made = frame(resource_name=words, resource=[None] * len(words))
    expected = [at for at, word in enumerate(words, start=1) if like(word, pattern)]

    assert ids(quietly(to_polars(made) if spread else made, resource=pattern)) == expected


def test_other_signs_stand_for_themselves(frame):
    """No sign but the two wildcards means anything, in pandas and in Polars."""
    signs = "".join(sorted({*string.punctuation, " "} - {*"*?"}))
    made = frame(resource_name=[f"a{sign}b" for sign in signs], resource=[None] * len(signs))

    for rows in (made, to_polars(made)):
        assert [ids(da.select(rows, resource=f"?{sign}*")) for sign in signs] == [[at] for at in made["id"]]


@examples(60, quick=6)
@given(chosen=CHOSEN.filter(makes_sense))
def test_the_line_of_code_selects_the_same(actions, chosen):
    """A selection can be handed on as code, and reads back as the same value."""
    selection = da.Selection(**chosen)
    names = {"da": da, "actions": actions}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        exec(f"made = {selection.code()}", names)  # noqa: S102 -- the line that the selection gives
        exec(f"again = da.Selection({', '.join(selection.conditions().values())})", names)  # noqa: S102 -- likewise

        pd.testing.assert_frame_equal(names["made"], selection.apply(actions))
    assert names["again"] == selection
    assert hash(names["again"]) == hash(selection)


@examples(30, quick=3)
@given(chosen=CHOSEN.filter(makes_sense))
def test_each_step_counts_what_the_conditions_so_far_leave(actions, elsewhere, chosen):
    """The table of steps agrees with selections by the first conditions alone, on every engine."""
    selection = da.Selection(**chosen)
    window = {"overlapping": True} if "overlapping" in chosen else {}
    names = [name for name in selection.conditions() if name != "overlapping"]

    def kept(*those):
        return len(
            quietly(
                actions,
                **{name: chosen[name] for name in those},
                **(window if "since" in those or "until" in those else {}),
            )
        )

    steps = selection.explain(elsewhere(actions))

    assert steps["left"].tolist() == [kept(*names[:count]) for count in range(len(names) + 1)]
    assert steps["actions"].tolist() == [len(actions), *(kept(name) for name in names)]
    assert steps["condition"].tolist() == ["all actions", *(selection.conditions()[name] for name in names)]


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"type": "snapshoot"}, 'none of 40 actions; no type is "snapshoot"; the nearest is "snapshot".'),
        ({"region": "nyc*", "type": "reboot"}, 'type=["reboot"] holds for none of 40 actions; no type is "reboot".'),
        ({"resource": "web-03"}, 'no resource is "web-03"; the nearest is "web-01".'),
        ({"resource_type": "v?"}, 'no resource type is like "v?".'),
        ({"since": "2027-01-01"}, "the first starts at 2026-03-02 01:00 UTC, the last at 2026-03-09 17:00 UTC."),
        ({"type": "snapshot", "region": "ams3"}, 'of the 8 actions with type=["snapshot"], but for 8 of all 40.'),
    ],
)  # fmt: skip
def test_nothing_left_is_a_warning_that_says_why(actions, elsewhere, chosen, reason):
    """An empty frame never comes without the condition that emptied it, and it points to the caller's line."""
    for given_frame in (actions, elsewhere(actions)):
        with pytest.warns(UserWarning, match="Nothing is selected") as caught:
            made = da.select(given_frame, **chosen)
        with pytest.warns(UserWarning, match="Nothing is selected") as applied:
            da.Selection(**chosen).apply(given_frame)

        assert str(caught[0].message).endswith(reason)
        assert {caught[0].filename, applied[0].filename} == {__file__}
        assert ids(made) == []


def test_a_value_that_does_not_occur_is_noted_although_others_do(actions):
    """A misspelt word in a list does not go unnoticed in the explanation."""
    steps = da.Selection(type=["snapshot", "resise"]).explain(actions)

    assert steps["note"].tolist() == ["", 'no type is "resise"; the nearest is "resize"']
    assert da.Selection(type=["snapshot", "resise"]).why_nothing(actions) == ""


def test_without_conditions_all_is_selected(actions, frame):
    """All of nothing is nothing, and needs no warning; a condition on nothing says that there are no rows."""
    empty = frame(status=[])

    pd.testing.assert_frame_equal(da.select(actions), actions)
    pd.testing.assert_frame_equal(da.select(empty), empty)
    with pytest.warns(UserWarning, match="the frame has no rows"):
        pd.testing.assert_frame_equal(da.select(empty, since="7d", text="a", type=[None]), empty)


def test_a_span_before_no_moment_selects_nothing(frame):
    """Where no row says when it was observed, nobody can count back from that; no row is taken by mistake."""
    unseen = frame(status=["completed"] * 2).assign(observed_at=pd.Series([pd.NaT] * 2, dtype="datetime64[s, UTC]"))

    for chosen in ({"since": "7d"}, {"until": "1h"}):
        with pytest.warns(UserWarning, match="Nothing is selected"):
            assert len(da.select(unseen, **chosen)) == 0


def test_accounts_are_selected_where_there_are_many(actions):
    """The column is asked for only where it is named, and the message says what its absence means."""
    many = actions.assign(account=pd.Categorical(["acme", "globex"] * 20))

    assert len(da.select(many, account="acme")) == 20
    with pytest.raises(InvalidArgument, match="no column 'account': they are of one account"):
        da.select(actions, account="acme")


@pytest.mark.parametrize(
    ("chosen", "accounts"),
    [
        ({"account": "acme"}, {"acme"}),
        ({"account": "a*e", "resource": "web-*"}, {"acme"}),
        ({"account": ["globex", "ac?e"], "type": "snapshot"}, {"acme", "globex"}),
        ({"account": "globex", "resource": "droplet:1", "since": "7d"}, {"globex"}),
        ({"resource": "web-01"}, {"acme", "globex"}),
    ],
)
def test_an_account_is_a_condition_on_every_engine(actions, elsewhere, chosen, accounts):
    """Names of accounts know wildcards, beside any other condition; without one it is asked of all accounts."""
    many = joined({"acme": actions, "globex": actions})
    others = {name: value for name, value in chosen.items() if name != "account"}
    expected = {name: ids(quietly(actions, **others)) for name in accounts}

    for given_frame in (many, elsewhere(many)):
        made = to_pandas(nw.from_native(quietly(given_frame, **chosen)))
        assert {name: ids(rows) for name, rows in made.groupby("account", observed=True)} == expected


@pytest.mark.parametrize(
    ("account", "reason"), [("globx", 'the nearest is "globex".'), ("i*", 'no account is like "i*".')]
)
def test_an_account_that_is_not_there_is_said_on_every_engine(actions, elsewhere, account, reason):
    """A misspelt account has its nearest name beside it."""
    many = joined({"acme": actions, "globex": actions})

    for given_frame in (many, elsewhere(many)):
        assert da.Selection(account=account).why_nothing(given_frame).endswith(reason)


def test_columns_of_the_callers_own_stay(actions, elsewhere):
    """A column that has the name of one that is added for a moment comes back as it was."""
    own = actions.assign(started_at_in_unix_seconds=7, seconds=1)

    made = da.select(own, since="2026-03-03", type="snapshot")

    assert made.columns.tolist() == own.columns.tolist()
    assert made["started_at_in_unix_seconds"].eq(7).all()
    lacking = nw.from_native(elsewhere(actions)).drop("region").to_native()
    with pytest.raises(InvalidArgument, match="no column 'region'"):
        da.select(lacking, region="fra1")
    assert ids(da.select(lacking, type="snapshot")) == ids(da.select(actions, type="snapshot"))


@pytest.mark.parametrize(
    ("same", "form"),
    [
        ({"type": "a"}, 'da.select(actions, type=["a"])'),
        ({"type": iter(["a", "a"])}, 'da.select(actions, type=["a"])'),
        ({"region": pd.Series(["a", None])}, 'da.select(actions, region=["a", None])'),
        ({"since": timedelta(minutes=90)}, 'da.select(actions, since="5400s")'),
        ({"since": date(2026, 6, 1)}, 'da.select(actions, since="2026-06-01")'),
        (
            {"until": datetime(2026, 6, 1, 8, tzinfo=UTC), "since": "2026-05-01", "overlapping": True},
            'da.select(actions, since="2026-05-01", until="2026-06-01T08:00:00+00:00", overlapping=True)',
        ),
        ({"text": 'a"\n'}, "da.select(actions, text='a\"\\n')"),
        ({"text": "ö\\"}, 'da.select(actions, text="ö\\\\")'),
    ],
)
def test_what_means_the_same_has_one_form(same, form):
    """A value alone or in any list, a date, a datetime and a span each have one way in which they are written."""
    assert da.Selection(**same).code() == form


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"type": []}, "type is an empty list"),
        ({"type": 3}, "type is a text or a list of texts, with None for null; got 3"),
        ({"type": [["a"]]}, "type is a text"),
        ({"resource": 3164450}, 'named by its key, such as "droplet:3164450"'),
        ({"outcome": "failed"}, "An outcome is one of 'completed', 'errored', 'open', 'unclear'; got 'failed'"),
        ({"outcome": [None]}, "An outcome is one of"),
        ({"text": " "}, "text is what is looked for"),
        ({"text": 5}, "text is what is looked for"),
        ({"since": "yesterday"}, 'since is "90d"'),
        ({"until": datetime(2026, 1, 1)}, "until has no time zone"),  # noqa: DTZ001 -- the point
        ({"until": 7}, 'until is "90d"'),
        ({"since": timedelta(-1)}, "since counts back"),
        ({"since": "1d", "until": "2d"}, "until is to be later than since"),
        ({"since": "2026-02-01", "until": "2026-02-01"}, "until is to be later than since"),
        ({"overlapping": True}, "overlapping is about a window"),
    ],
)
def test_a_condition_that_cannot_be_understood_is_refused(wrong, message):
    """The message says which argument, and what it takes."""
    with pytest.raises(InvalidArgument, match=message):
        da.Selection(**wrong)


def test_a_window_is_half_open(frame):
    """What starts at its first moment is in it, what starts at its last is not, and an end at its first is not."""
    made = frame(
        started_at=["2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", "2026-03-01T23:00:00Z", "2026-03-01T23:00:00Z"],
        seconds=[0, 0, 3600, 3601],
    )

    assert ids(da.select(made, since="2026-03-02", until="2026-03-03")) == [1]
    assert ids(da.select(made, since="2026-03-02", until="2026-03-03", overlapping=True)) == [1, 4]


def test_what_is_open_runs_on_and_what_ended_nobody_knows_when_does_not(frame):
    """An open action overlaps every window after its start; one whose end is missing is in that of its start only."""
    made = frame(status=["in-progress", "completed"], started_at="2026-03-01T23:00:00Z", completed_at=None)

    assert ids(da.select(made, since="2026-03-02", overlapping=True)) == [1]
    assert ids(da.select(made, since="2026-03-01", until="2026-03-02", overlapping=True)) == [1, 2]
    assert ids(quietly(made, until="2026-03-01", overlapping=True)) == []


def test_regular_expressions_are_written_for_every_engine():
    """No construct that only some of Python, Rust, RE2 and Java know."""
    assert pattern_regex("*") == "(?s)^"
    assert pattern_regex("a*?b[1]") == r"(?s)^a[^\n].*b\[1\]$"
    assert pattern_regex("?*") == r"(?s)^[^\n]"


def test_the_frame_is_left_as_it_was(actions):
    """A selection changes nothing in what it is made from, and its rows stay what they were."""
    before = actions.copy(deep=True)

    made = da.select(actions, text="web", outcome="completed")

    pd.testing.assert_frame_equal(actions, before)
    pd.testing.assert_frame_equal(plain(da.failure_rates(made)), plain(da.failure_rates(actions.loc[made.index])))
