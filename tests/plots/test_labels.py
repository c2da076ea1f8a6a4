"""Labels of rows: the names of resources, and their keys where a name does not tell them apart."""

from __future__ import annotations

import pandas as pd
import pytest
from drawn import row_names

from doaudit import plots

KEYS = ["droplet:1", "droplet:2", "droplet:3", None]
NAMES = ["web-1", "web-2", None, None]


@pytest.fixture(params=["durations", "failure_rates", "incidents", "concurrency", "retry_rates"])
def drawn(request):
    """Return the function that draws a table by resource and type, and returns the labels of its rows."""
    maker = {"durations": "durations_table", "failure_rates": "rates_table", "retry_rates": "retry_rates_table"}
    build = request.getfixturevalue(maker.get(request.param, f"{request.param}_table"))

    def draw(keys, names, **options):
        table = build(**{"region" if request.param == "incidents" else "type": ["resize"] * len(keys)})
        table.insert(0, "resource", keys)
        table.insert(1, "resource_name", names)
        labels = row_names(getattr(plots, request.param)(table, **options))
        return [label.removesuffix(" 2026-06-17") for label in labels]

    return draw


def test_a_resource_goes_by_its_name(drawn):
    """Where none is known it goes by its key, and a null is none."""
    assert drawn(KEYS, NAMES) == ["web-1 · resize", "web-2 · resize", "droplet:3 · resize", "(none) · resize"]


def test_the_key_stands_by_a_name_that_another_one_has(drawn):
    """Also where the other one is not drawn; one resource in two rows has its name for itself."""
    keys, names = ["droplet:1", "droplet:1", "droplet:2", "droplet:3"], ["web-1", "web-1", "web-2", "web-2"]

    assert drawn(keys, names, top=3) == ["web-1 · resize", "web-1 · resize", "web-2 (droplet:2) · resize"]


def test_the_title_names_no_column_of_names(rates_table, ax):
    """A table by resource is called so, and not by resource and resource name."""
    table = rates_table(type=["web-1"]).rename(columns={"type": "resource_name"})
    table.insert(0, "resource", ["droplet:1"])

    plots.failure_rates(table, ax=ax)

    assert ax.get_title(loc="left") == "How often actions fail, by resource"


def test_a_shape_finds_its_group_by_the_key(durations_table, ax):
    """Durations and their distribution are grouped alike, whatever the resources are called."""
    table = durations_table(type=["droplet:1"]).rename(columns={"type": "resource"})
    table.insert(1, "resource_name", ["web-1"])
    bins = pd.DataFrame({"resource": ["droplet:1"], "resource_name": ["web-1"], "from_s": [50], "to_s": [60]})

    plots.durations(table, distribution=bins.assign(actions=1, share=1.0), ax=ax)

    assert row_names(ax) == ["web-1"]
    assert len(ax.patches) == 1


@pytest.mark.parametrize("plot", ["slowest", "open_actions"])
def test_single_actions_go_by_the_name_of_their_resource(request, plot):
    """Type, name and day; the key too where two resources in the list have one name."""
    table = request.getfixturevalue(f"{plot.removesuffix('_actions')}_table")(
        resource=["droplet:1", "droplet:2", "droplet:3"], resource_name=["web-1", "web-2", "web-2"]
    )

    assert row_names(getattr(plots, plot)(table)) == [
        "snapshot web-1 2026-03-12",
        "snapshot web-2 (droplet:2) 2026-03-12",
        "snapshot web-2 (droplet:3) 2026-03-12",
    ]


@pytest.mark.parametrize(
    ("plot", "maker", "labels"),
    [
        ("slowest", "slowest_table", ["acme: snapshot web-1 2026-03-12", "globex: snapshot web-1 2026-03-12"]),
        ("retries", "retries_table", ["acme: snapshot web-1 2026-03-12", "globex: snapshot web-1 2026-03-12"]),
        ("power_periods", "periods_table", ["acme: web-1 2026-03-12", "globex: web-1 2026-03-12"]),
        ("backups", "backups_table", ["acme: web-1", "globex: web-1"]),
        ("lifespans", "lifespans_table", ["acme: web-1", "globex: web-1"]),
        ("durations", "durations_table", ["acme: snapshot", "globex: snapshot"]),
        ("findings", "findings_table", ["acme: droplet off · web-1", "globex: droplet off · web-1"]),
        ("problems", "problems_table", ["acme: region_missing", "globex: region_missing"]),
    ],
)
def test_the_account_stands_in_front(request, plot, maker, labels):
    """Of rows of many accounts; a name that two accounts have, once each, needs no key beside it."""
    columns = {"id": [1, 2]} if plot == "problems" else {"group": ["web-1"] * 2} if plot == "findings" else {}
    table = request.getfixturevalue(maker)(**columns or {"note": [""] * 2, "region": ["fra1"] * 2})
    if "resource" in table:
        table["resource"] = ["droplet:1", "droplet:2"]
    table.insert(0, "account", ["acme", "globex"])

    assert row_names(getattr(plots, plot)(table)) == labels


def test_a_table_by_account_is_labelled_by_it(rates_table, ax):
    """The account alone is the group."""
    plots.failure_rates(rates_table(type=["acme", None]).rename(columns={"type": "account"}), ax=ax)

    assert row_names(ax) == ["acme", "(none)"]
    assert ax.get_title(loc="left") == "How often actions fail, by account (surest first)"
