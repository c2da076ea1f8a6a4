"""The list of droplets in the snapshot panel: its lines, its search field, and the choice."""

from __future__ import annotations

import pytest
from panels import wait_until


def test_lists_every_droplet_with_what_is_known_of_it(panel, account, world):
    """A line has a droplet's name, region, status, size, id and latest snapshot."""
    world.act_on_droplet(102, {"type": "snapshot"})
    world.advance(1000)
    account.refresh()
    panel.read()
    wait_until(lambda: not panel.reload.disabled)

    lines = {droplet_id: line.split() for line, droplet_id in panel.droplets.choice.options}

    assert lines[101] == ["web-01", "fra1", "active", "s-2vcpu-4gb", "-", "101"]
    assert lines[102] == ["db-01", "ams3", "off", "s-2vcpu-4gb", "2026-11-23", "12:00", "102"]
    assert len({len(line) for line, _ in panel.droplets.choice.options}) == 1


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", {101, 102, 103}),
        ("WEB", {101}),
        ("off ams", {102}),
        ("8gb <img", {103}),
        ("web ams3", set()),
        ("10", {101, 102, 103}),
    ],
)
def test_finds_the_droplets_with_every_word(panel, typed, found):
    """The list shows those droplets whose line has every typed word, in upper or lower case."""
    panel.droplets.filter.value = typed

    assert {droplet_id for _, droplet_id in panel.droplets.choice.options} == found


def test_a_choice_that_is_still_found_is_kept(panel):
    """Typing more of the chosen droplet's name does not undo the choice."""
    panel.droplets.choice.value = 101

    panel.droplets.filter.value = "web"

    assert panel.droplets.chosen == 101


def test_a_choice_that_is_filtered_away_is_no_choice(panel):
    """A droplet that is not in the list can be neither chosen nor started."""
    panel.droplets.choice.value = 101

    panel.droplets.filter.value = "db"

    assert panel.droplets.chosen is None
    assert panel.show_plan.disabled
