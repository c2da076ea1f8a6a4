"""Lists of resources: whole, within bounds, and no odd row of them costs the others."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from changing_list import ChangingList, reading_list

from doaudit.api.droplets import read_droplets
from doaudit.api.resource_lists import Listed, read_list, read_lists
from doaudit.errors import UnexpectedAnswer
from doaudit.history.resource_names import update_resource_names
from doaudit.history.store import open_store


def droplet(number, **fields):
    """Return a droplet as the API sends it."""
    facts = {"id": number, "name": f"web-{number}", "status": "active", "region": {"slug": "fra1"}, "size_slug": "s-1"}
    return {**facts, "created_at": "2026-03-12T22:27:07Z", **fields}


def droplets(*rows):
    """Return a list of droplets, or of whatever else is asked for: each list has the same rows."""
    changing = ChangingList(list(rows)[::-1])
    keys = ("droplets", "images", "snapshots", "volumes", "reserved_ips", "load_balancers", "actions")
    changing.as_text = lambda texts, total: (
        "{" + "".join(f'"{key}": [{", ".join(texts)}], ' for key in keys) + f'"meta": {{"total": {total}}}}}'
    )
    return changing


def read(changing):
    """Read the droplets of a list."""
    with reading_list(changing) as client:
        return read_droplets(client)


ODD = {
    "a region of text": ({"region": "nyc3"}, "region", "nyc3"),
    "a region of a number": ({"region": 7}, "region", "7"),
    "no region": ({"region": None}, "region", None),
    "a name of a number": ({"name": 7}, "name", "7"),
    "an id of text": ({"id": "41"}, "id", 41),
    "a time of a list": ({"created_at": [1]}, "created_at", None),
    "a time that is now": ({"created_at": "now"}, "created_at", None),
    "a region without a name": ({"region": {}}, "region", None),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_field_of_a_droplet_costs_nothing(kind):
    """Each droplet is in the table, with what can be read of it."""
    fields, column, value = ODD[kind]

    table = read(droplets(droplet(1), droplet(41, **fields)))

    assert table["id"].tolist() == [1, 41]
    cell = table[column].iloc[1]
    assert cell == value if value is not None else cell is None or cell != cell  # noqa: PLR0124 -- a null of any kind


IMAGES = {
    "some": ([53893572, 53893573], [53893572, 53893573]),
    "none": ([], []),
    "ids as text": (["7", " 8 "], [7, 8]),
    "an odd one among them": ([7, None, True, {}, "web", 2**70, [8], 7.5], [7]),
    "nothing but odd ones": ([None, "web"], None),
    "null": (None, None),
    "a number": (7, None),
    "text": ("7, 8", None),
    "an object": ({"7": 8}, None),
}


@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.parametrize("column", ["snapshot_ids", "backup_ids"])
def test_the_images_of_a_droplet_are_lists_of_numbers(kind, column):
    """An empty list says that there is none; what cannot be read is null, and is never taken for none."""
    sent, expected = IMAGES[kind]

    table = read(droplets(droplet(1, **{column: sent}), droplet(2)))

    assert table[column].tolist() == [expected, None]
    assert table[column].dtype == object


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        (["monitoring", "backups"], True),
        (["monitoring"], False),
        ([], False),
        ([None, 7, {}], False),
        (None, None),
        ("backups", None),
        ({"backups": 1}, None),
    ],
)
def test_whether_backups_are_enabled_is_told_by_the_features(features, expected):
    """It is true, false, or, where there is no list of features, null."""
    enabled = read(droplets(droplet(1, features=features), droplet(2)))["backups_enabled"]

    assert str(enabled.dtype) == "boolean"
    assert [None if value is pd.NA else value for value in enabled] == [expected, None]


@pytest.mark.parametrize("rows", [[], [droplet(1)]])
def test_the_columns_of_droplets_never_change(rows):
    """An account without droplets has the same columns and dtypes as one with some."""
    table = read(droplets(*rows))

    text = str(pd.Series(["a"]).dtype)
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == {
        "id": "int64", "name": text, "status": text, "region": text, "size": text,
        "created_at": "datetime64[s, UTC]", "snapshot_ids": "object", "backup_ids": "object",
        "backups_enabled": "boolean",
    }  # fmt: skip


@pytest.mark.parametrize("odd", [None, 2**70, "web", 7.5, [1]])
def test_a_droplet_without_a_usable_id_is_named(odd):
    """It is left out of the table with a warning that shows it, and the others stay."""
    with pytest.warns(UserWarning, match="1 droplet cannot be in this table"):
        table = read(droplets(droplet(1), droplet(odd), droplet(2)))

    assert table["id"].tolist() == [1, 2]


def test_a_droplet_that_is_deleted_meanwhile_hides_no_other():
    """The one that slid to an earlier page, which had been read, is found when the list is read once more."""
    changing = droplets(*map(droplet, range(1, 402)))
    changing.changes = {2: lambda them: them.leave(400)}  # droplet 1, which page 1 showed first

    table = read(changing)

    assert table["id"].tolist() == list(range(2, 402))
    assert len(changing.requests) == 2 + 2


@pytest.mark.parametrize("total_of", [lambda total: total + 1, lambda _: 10**12], ids=["one more", "a trillion"])
@pytest.mark.parametrize("ignores_page", [False, True])
def test_a_list_that_does_not_add_up_is_read_within_bounds(total_of, ignores_page):
    """Droplets are an error then, and names are what was found."""
    changing = droplets(*map(droplet, range(1, 402)))
    changing.total_of, changing.ignores_page = total_of, ignores_page
    with reading_list(changing) as client:
        with pytest.raises(UnexpectedAnswer, match="does not add up"):
            read_droplets(client)
        listed = read_list(client, "/v2/droplets", "droplets")

    assert (len(listed.rows), listed.adds_up) == (200 if ignores_page else 401, False)
    assert len(changing.requests) <= 2 * 3 * 4, "two reads of three passes of three pages and an empty one"


LISTED = Listed("/v2/droplets", "droplets")


def test_a_list_that_changes_is_read_again_when_it_is_read_beside_others():
    """A record that slid to an earlier page is found in the second pass, and every page is asked for with the rest."""
    changing = droplets(*map(droplet, range(1, 402)))
    changing.changes = {2: lambda them: them.leave(400)}  # droplet 1, which page 1 showed first

    with reading_list(changing) as client:
        found = read_lists(client, [LISTED])[LISTED]

    assert (sorted(map(int, found.by_id)), found.adds_up) == ([*range(2, 402)], True)
    assert len(changing.requests) <= 3 + 2


@pytest.mark.parametrize("total_of", [lambda total: total + 1, lambda _: 10**12], ids=["one more", "a trillion"])
@pytest.mark.parametrize("ignores_page", [False, True])
def test_lists_that_do_not_add_up_are_read_within_bounds_beside_others(total_of, ignores_page):
    """However many rows a total promises, pages are asked for eight at a time, and only while they bring something."""
    changing = droplets(*map(droplet, range(1, 402)))
    changing.total_of, changing.ignores_page = total_of, ignores_page

    with reading_list(changing) as client:
        found = read_lists(client, [LISTED])[LISTED]

    assert (len(found.rows), found.adds_up) == (200 if ignores_page else 401, False)
    assert len(changing.requests) <= 1 + 8 + 2 * 4


def test_odd_rows_cost_no_names():
    """A history takes the names that can be read, whatever the other rows are."""
    changing, store = droplets(droplet(1), droplet(None), droplet(2, name=None), droplet(3, name={"a": 1})), "mine"
    store = open_store(":memory:", store)
    with reading_list(changing) as client:
        assert update_resource_names(client, store, now=1_795_000_000) == ()

    names = store.sql("SELECT key, name FROM resources WHERE kind = 'droplet' ORDER BY key")
    assert json.loads(names.to_json(orient="values")) == [
        ["droplet:1", "web-1"],
        ["droplet:2", None],
        ["droplet:3", "{'a': 1}"],
    ]
