"""Answers of an explorer, against `doaudit.select` and plain loops."""

from __future__ import annotations

import threading
import tracemalloc
from collections import Counter
from datetime import UTC, datetime, time, timedelta

import numpy as np
import pandas as pd
import pytest
from engine_frames import to_polars
from examples import examples
from hypothesis import example, given
from hypothesis import strategies as st
from joined import joined
from selections import CHOSEN, makes_sense, quietly

import doaudit as da
from doaudit.analysis.selection import Selection
from doaudit.errors import InvalidArgument
from doaudit.explore.exploration import CSV_ROWS, Exploration
from doaudit.formatting import time_span, visible

FACETS = ("type", "outcome", "region", "resource_type")
OUTCOMES = ("completed", "errored", "open", "unclear")
SENSIBLE = CHOSEN.filter(makes_sense)


def without(chosen, *names):
    """The other conditions."""
    left = {name: value for name, value in chosen.items() if name not in names}
    return left if {"since", "until"} & left.keys() else without_overlapping(left)


def without_overlapping(chosen):
    """Without a window, nothing overlaps it."""
    return {name: value for name, value in chosen.items() if name != "overlapping"}


def all_rows(exploration, chosen, sort, down, page=7):
    """All rows, page by page."""
    total = exploration.look(Selection(**chosen))["selected"]
    pages = [
        exploration.rows(Selection(**chosen), sort, offset, page, down=down)["rows"]
        for offset in range(0, total + page, page)
    ]
    return [row for rows in pages for row in rows]


@examples(600, quick=40)
@given(chosen=SENSIBLE)
def test_the_selected_rows_are_those_of_select(actions, exploration, chosen):
    """Both ways to select give the same rows, in the same order, with the same index and dtypes."""
    pd.testing.assert_frame_equal(exploration.selected(Selection(**chosen)), quietly(actions, **chosen))


@examples(200, quick=15)
@given(chosen=SENSIBLE)
def test_a_count_is_what_choosing_the_value_gives(actions, exploration, chosen):
    """Beside each value of a facet stands how many rows there are with it and all conditions of other facets."""
    seen = exploration.look(Selection(**chosen))

    for name in FACETS:
        counts = {value: found for value, _, found in seen["facets"][name]}
        for value, found in counts.items():
            assert found == len(quietly(actions, **{**without(chosen, name), name: [value]}))
    assert seen["selected"] == sum(seen["outcomes"].values()) == len(quietly(actions, **chosen))


@examples(200, quick=15)
@given(chosen=SENSIBLE)
def test_the_timeline_counts_each_start_once(actions, exploration, chosen):
    """Each bin counts, by outcome, what starts in it and fulfils the conditions but those on time."""
    timeline = exploration.look(Selection(**chosen))["timeline"]
    rows = quietly(actions, **without(chosen, "since", "until", "overlapping"))
    first, width = timeline["first_s"], timeline["width_s"]
    outcomes = {name: set(quietly(rows, outcome=name)["id"]) for name in OUTCOMES}
    wanted = Counter(
        (int((row.started_at.timestamp() - first) // width), outcome)
        for row in rows.itertuples()
        for outcome, ids in outcomes.items()
        if pd.notna(row.started_at) and row.id in ids
    )

    counted = {
        (at, name): n for at, bins in enumerate(timeline["bins"]) for name, n in zip(OUTCOMES, bins, strict=True) if n
    }

    assert counted == wanted


@examples(300, quick=25)
@given(
    chosen=SENSIBLE,
    sort=st.sampled_from(["started_at", "type", "outcome", "resource", "region", "duration_s", "id", None]),
    down=st.booleans(),
)
def test_pages_are_sorted_with_nulls_last(actions, exploration, chosen, sort, down):
    """Page after page has each row once, in order either way, equal ones as in the frame, and nulls at the end."""
    rows = quietly(actions, **chosen)
    outcome = {id_: name for name in OUTCOMES for id_ in quietly(actions, outcome=name)["id"]}

    def value(row):
        if sort == "resource":
            return row.resource_name if pd.notna(row.resource_name) else row.resource
        if sort == "duration_s":
            ended = row.observed_at if outcome[row.id] == "open" else row.completed_at
            seconds = (ended - row.started_at).total_seconds()
            return seconds if seconds >= 0 else None
        return OUTCOMES.index(outcome[row.id]) if sort == "outcome" else getattr(row, sort)

    records = list(rows.itertuples())
    if sort is not None:
        filled = [row for row in records if pd.notna(value(row))]
        nulls = [row for row in records if pd.isna(value(row))]
        records = [*sorted(filled, key=value, reverse=down), *nulls]
        if down:  # of equal ones the first of the frame comes first, whichever way
            places = {id_: at for at, id_ in enumerate(rows["id"])}
            filled.sort(key=lambda row: places[row.id])
            records = [*sorted(filled, key=value, reverse=True), *nulls]

    assert [row["id"] for row in all_rows(exploration, chosen, sort, down)] == [str(row.id) for row in records]


@examples(60, quick=8)
@given(chosen=SENSIBLE)
def test_figures_are_those_of_the_tables(actions, exploration, chosen):
    """Medians, p90, shares and intervals beside a type are those of `durations` and `failure_rates` of the rows."""
    seen, rows = exploration.look(Selection(**chosen)), quietly(actions, **chosen)
    taken, failed = da.durations(rows), da.failure_rates(rows)

    assert [row["type"] for row in seen["durations"]] == [None if pd.isna(name) else name for name in taken["type"]]
    assert [row["p50_s"]["text"] for row in seen["durations"]] == [time_span(each) for each in taken["p50_s"]]
    assert [row["p90_s"]["s"] for row in seen["durations"]] == [
        each if np.isfinite(each) else None for each in taken["p90_s"]
    ]
    assert [(row["errored"], row["finished"]) for row in seen["failure_rates"]] == list(
        zip(failed["errored"], failed["finished"], strict=True)
    )
    for name in ("failure_rate", "low", "high"):
        assert [row[name] for row in seen["failure_rates"]] == [
            each if np.isfinite(each) else None for each in failed[name]
        ]


@pytest.mark.parametrize(
    ("errored", "text"), [(0, "0.00 % (0.00-27.75)"), (1, "10.00 % (1.79-40.42)"), (10, "100.00 % (72.25-100.00)")]
)
def test_a_rate_is_written_with_its_interval(frame, errored, text):
    """Wilson's interval of so many failures among ten, in hundredths, as published tables have it."""
    rows = frame(type="resize", status=["errored"] * errored + ["completed"] * (10 - errored))

    [rate] = Exploration(rows).look(Selection())["failure_rates"]

    assert rate["text"] == text


def test_figures_of_thousands_of_years_are_right(frame):
    """Times that lie as far apart as times can do not break the counting, and give the figures of the tables."""

    def times(*values):
        return pd.DatetimeIndex(np.array(values * 4, dtype="datetime64[s]")).tz_localize("UTC")

    rows = frame(
        status=["completed", "errored", "in-progress", "odd"] * 5, type=["resize", None, "reboot", "snapshot"] * 5
    )
    rows["started_at"] = times("0001-01-02", "1970-01-01", "2026-03-02T10:00:00", "9998-01-01", "NaT")
    rows["completed_at"] = times("9999-01-01", "9999-01-01", "NaT", "9999-01-01", "9999-01-01")
    seen, taken = Exploration(rows).look(Selection()), da.durations(rows)

    assert [row["completed"] for row in seen["durations"]] == taken["completed"].tolist()
    assert [row["p50_s"]["text"] for row in seen["durations"]] == [time_span(each) for each in taken["p50_s"]]
    assert [row["errored"] for row in seen["failure_rates"]] == da.failure_rates(rows)["errored"].tolist()


@examples(400, quick=60)
@given(
    ids=st.lists(st.one_of(st.integers(0, 200), st.integers(0, 2**63 - 1)), min_size=1, unique=True),
    text=st.text("0123456789-", min_size=1, max_size=20),
)
@example(ids=[0, 10, 100], text="0")
@example(ids=[105, 5, 1050], text="05")
@example(ids=[2**63 - 1], text="9223372036854775807")
def test_digits_are_found_wherever_they_are_in_an_id(frame, ids, text):
    """A text of digits is found in the ids that have it when they are written out."""
    rows = frame(id=ids, type=None, resource=None, resource_name=None, region=None)

    selected = Exploration(rows).selected(Selection(text=text))

    assert selected["id"].tolist() == [each for each in ids if text in str(each)]


@pytest.fixture(scope="module")
def simulated():
    """The simulated account's actions and droplets."""
    with da.demo(seed=7) as account:
        return account.actions(), account.droplets()


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"region": "ams3"},
        {"type": "snapshot"},
        {"since": "90d"},
        {"since": "2026-06-17", "until": "2026-06-18"},
        {"resource_type": "volume", "outcome": ["completed", "open"]},
    ],
)
def test_figures_of_a_large_account_are_those_of_the_tables(simulated, chosen):
    """Where days are alike, and where there are too few to tell, a median, p90 and interval is that of the tables."""
    actions, _ = simulated
    seen, rows = Exploration(actions).look(Selection(**chosen)), da.select(actions, **chosen)
    taken, failed = da.durations(rows).head(12), da.failure_rates(rows).head(12)

    for name in ("p50_s", "p90_s"):
        told = np.array([row[name]["s"] for row in seen["durations"]], dtype=float)
        np.testing.assert_array_equal(told, taken[name].to_numpy(dtype=float))
    for name in ("failure_rate", "low", "high"):
        told = np.array([row[name] for row in seen["failure_rates"]], dtype=float)
        np.testing.assert_array_equal(told, failed[name].to_numpy(dtype=float))
    assert [row["type"] for row in seen["failure_rates"]] == failed["type"].astype(object).tolist()


def test_pieces_of_csv_are_one_file(simulated, tmp_path):
    """The pieces, one after the other, are read back as the selected rows, exactly; each is of so many rows."""
    actions, _ = simulated
    exploration, selection = (
        Exploration(actions),
        Selection(resource_type=["droplet", "volume", "image", "reserved_ip"]),
    )
    selected = exploration.selected(selection)
    assert len(selected) > CSV_ROWS

    pieces = [exploration.csv(selection, offset) for offset in range(0, len(selected), CSV_ROWS)]
    (tmp_path / "actions.csv").write_bytes(b"".join(piece for piece, _ in pieces))

    read = da.read_csv(tmp_path / "actions.csv")
    assert {total for _, total in pieces} == {len(selected)}
    assert [piece.count(b"\n") for piece, _ in pieces] == [CSV_ROWS + 1, len(selected) - CSV_ROWS]
    assert read["id"].tolist() == selected["id"].tolist()
    for name in read.columns:
        assert (
            read[name].astype(object).where(read[name].notna(), None).tolist()
            == selected[name].astype(object).where(selected[name].notna(), None).tolist()
        )


def test_findings_are_those_that_concern_the_selection(simulated):
    """What is usual is told by all actions: what is stuck is so in a part; changes of other types are left out."""
    actions, droplets = simulated
    exploration = Exploration(actions, droplets)

    everything = exploration.findings(Selection())
    volumes = exploration.findings(Selection(type="attach_volume"))
    snapshots = exploration.findings(Selection(type="snapshot"))

    assert next(severity for severity, *_ in everything) == "act now"
    assert any(kind == "stuck action" and "attach_volume" in sentence for _, kind, sentence in volumes)
    assert any("attach_volume takes" in sentence for *_, sentence in volumes)
    assert not any("attach_volume" in sentence for *_, sentence in snapshots)
    assert any(kind == "stuck action" and "snapshot of legacy" in sentence for _, kind, sentence in snapshots)


def test_resources_are_found_by_each_word(frame):
    """Each word is to be in the name or the key; names that begin so come first, then those with more actions."""
    rows = frame(
        resource=["droplet:1", "droplet:2", "droplet:2", "droplet:3", "volume:web", "droplet:2"],
        resource_name=["web-01", "old-web", "old-web", "web-fra", None, "new-web"],
    )
    exploration = Exploration(rows)

    assert exploration.find("web") == [
        ("droplet:1", "web-01", 1),
        ("droplet:3", "web-fra", 1),
        ("volume:web", None, 1),
        ("droplet:2", "old-web", 3),
    ]
    assert exploration.find("WEB fra") == [("droplet:3", "web-fra", 1)]
    assert exploration.find(" ") == exploration.find("nothing like it") == []


def test_a_resource_has_its_actions_newest_first(actions, exploration):
    """All actions of a resource, whatever is selected; those without a start last."""
    own = actions[actions["resource"] == "droplet:22"].sort_values("started_at", ascending=False, kind="stable")

    answer = exploration.resource("droplet:22")

    assert answer["total"] == len(own)
    assert [row["id"] for row in answer["rows"]] == own["id"].astype(str).tolist()
    assert exploration.resource("droplet:99") == {"resource": "droplet:99", "total": 0, "rows": []}


def test_many_accounts_have_a_facet_and_a_column(actions):
    """Accounts are a facet and a column; a resource of one account is not that of another with the same key."""
    both = joined({"acme": actions, "globex": actions.head(10)})
    exploration = Exploration(both)

    seen = exploration.look(Selection(account="globex"))

    assert [value[::2] for value in seen["facets"]["account"]] == [("acme", 40), ("globex", 10)]
    assert exploration.columns[0] == "account"
    assert exploration.resource("droplet:1", "globex")["total"] == 3
    pd.testing.assert_frame_equal(exploration.selected(Selection(account="globex")), da.select(both, account="globex"))
    assert not any("acme" in sentence for *_, sentence in exploration.findings(Selection(account="globex")))
    assert any("acme" in sentence for *_, sentence in exploration.findings(Selection()))
    with pytest.raises(InvalidArgument, match="of one account"):
        Exploration(actions).look(Selection(account="globex"))


def test_control_characters_are_visible(frame):
    """A name cannot turn the direction of text or hide: cells, facets and found names show such characters."""
    name = "web\u202egpj"
    exploration = Exploration(frame(type=[name], region=[name], resource_name=[name]))

    [row] = exploration.rows(Selection(), None, 0, 1, down=False)["rows"]

    assert row["type"] == row["region"] == row["resource_name"] == visible(name)
    assert exploration.look(Selection())["facets"]["type"] == [(name, visible(name), 1)]
    assert exploration.find("web")[0][1] == visible(name)


@pytest.mark.parametrize(
    ("rows", "bins", "width"),
    [
        ({"started_at": [pd.NaT, pd.NaT]}, 0, 86_400),
        ({"started_at": ["2026-03-02T10:00:00Z", "2026-03-02T10:30:00Z"]}, 31, 60),
        ({"started_at": ["2016-03-02T10:00:00Z", "2026-03-02T10:30:00Z"]}, 131, 28 * 86_400),
        ({"started_at": ["1971-03-02T10:00:00Z", "2026-03-02T10:30:00Z"]}, 56, 364 * 86_400),
    ],
)
def test_bins_fit_any_span(frame, rows, bins, width):
    """Half an hour, ten years and fifty have bins that are few enough to be seen; without a start there are none."""
    timeline = Exploration(frame(**rows)).look(Selection())["timeline"]

    assert (len(timeline["bins"]), timeline["width_s"]) == (bins, width)


def test_days_and_weeks_begin_at_midnight_and_on_monday(frame):
    """The ends of bins of a day or more can be written as dates."""
    for days in (100, 900, 4_000):
        last = datetime(2015, 3, 4, 10, tzinfo=UTC) + timedelta(days=days)
        timeline = Exploration(frame(started_at=["2015-03-04T10:00:00Z", last])).look(Selection())["timeline"]
        first = datetime.fromtimestamp(timeline["first_s"], UTC)

        assert first.time() == time(0)
        assert timeline["width_s"] == 86_400 or first.weekday() == 0


def test_a_zoomed_timeline_has_narrower_bins_of_the_same_actions(actions, exploration):
    """Bins of a span have what starts in it; its ends may lie beyond all actions."""
    day = [datetime(2026, 3, each, tzinfo=UTC).timestamp() for each in (3, 5)]
    starts = actions["started_at"].dropna().map(datetime.timestamp)

    near = exploration.look(Selection(), (int(day[0]), int(day[1])))["timeline"]
    wide = exploration.look(Selection(), (-(2**53), 2**53))["timeline"]

    assert (near["is_zoomed"], near["width_s"]) == (True, 3_600)
    assert sum(map(sum, near["bins"])) == starts.between(*day, inclusive="left").sum()
    assert wide["bins"] == exploration.look(Selection())["timeline"]["bins"]


def test_an_empty_frame_has_answers(actions):
    """Of no actions there is nothing to see, and no fault."""
    exploration = Exploration(actions.head(0))

    seen = exploration.look(Selection())

    assert (seen["total"], seen["durations"], seen["failure_rates"], seen["timeline"]["bins"]) == (0, [], [], [])
    assert exploration.findings(Selection()) == exploration.find("web") == []
    assert exploration.csv(Selection(), 0)[0].count(b"\n") == 1


def test_other_frames_are_refused(actions):
    """A frame of another engine, or of something else, is refused with what to do."""
    with pytest.raises(InvalidArgument, match="to_pandas"):
        Exploration(to_polars(actions))
    with pytest.raises(InvalidArgument, match="'region' is lacking"):
        Exploration(actions.drop(columns="region"))


def test_texts_that_are_no_categories_are_read_alike(actions):
    """Columns of plain text, and categories in another order, are explored as the frame itself is."""
    names = ["type", "status", "region", "resource_type", "resource", "resource_name"]
    plain = actions.assign(**{name: actions[name].astype(object) for name in names})
    turned = actions.assign(
        **{name: actions[name].cat.set_categories(actions[name].cat.categories[::-1]) for name in names}
    )
    selection = Selection(type=["resize*", None], region=["fra1", None])

    wanted = Exploration(actions).look(selection)

    for other in (plain, turned):
        assert Exploration(other).look(selection) == wanted
        assert [row["id"] for row in all_rows(Exploration(other), {}, "resource", True)] == [
            row["id"] for row in all_rows(Exploration(actions), {}, "resource", True)
        ]


def test_threads_get_the_answers_to_their_own_questions(exploration, actions):
    """Questions from several threads at once are answered as one after the other would be."""
    wanted = {name: quietly(actions, type=name)["id"].tolist() for name in ("snapshot", "resize", "power_on")}
    wrong = []

    def ask(name):
        for _ in range(60):
            if exploration.selected(Selection(type=name))["id"].tolist() != wanted[name]:
                wrong.append(name)
            if exploration.look(Selection(type=name))["selected"] != len(wanted[name]):
                wrong.append(name)

    threads = [threading.Thread(target=ask, args=(name,)) for name in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_looking_keeps_little_memory(simulated):
    """However many selections are looked at, only the last ones are kept."""
    actions, _ = simulated
    exploration = Exploration(actions)
    exploration.look(Selection(text="warm"))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for at in range(60):
        exploration.look(Selection(text=f"w{at}"))
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert kept < 20 * len(actions)  # one array of a byte a row for each would be three times as much
