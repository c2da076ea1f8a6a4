"""Findings: each rule on a frame of its own, and all of them on simulated accounts whose faults are known."""

from __future__ import annotations

import pandas as pd
import pytest

from doaudit.analysis import findings
from doaudit.errors import InvalidArgument

NOW = pd.Timestamp("2026-04-01T00:00:00Z")


def of_kind(table, kind):
    """Return the rows of one rule."""
    return table[table["kind"] == kind].reset_index(drop=True)


def at(days_ago, hour=12):
    """Return a time so many days before the actions were read."""
    return f"{(NOW - pd.Timedelta(days_ago, 'D')).normalize() + pd.Timedelta(hour, 'h'):%Y-%m-%dT%H:%M:%SZ}"


def reboots(frame, count=60, **columns):
    """Return healthy reboots, one every third day, of which the last is a day old."""
    starts = [at(1 + 3 * n) for n in range(count)]
    return frame(type="reboot", started_at=starts, seconds=[10 + n % 7 for n in range(count)], **columns)


def test_a_healthy_account_has_nothing_unusual(frame):
    """If there is nothing to act on or to look at, the first row says so and what was looked for."""
    starts, seconds = [at(n) for n in range(1, 60)], [100 + n % 9 for n in range(59)]
    backups = frame(id=list(range(501, 560)), type="backup", started_at=starts, seconds=seconds)

    table = findings(pd.concat([reboots(frame), backups]))

    assert table["kind"].tolist() == ["nothing unusual"]
    assert table["severity"].tolist() == ["know"]
    assert "stuck and slow actions" in table["sentence"].item()


def test_no_actions_are_nothing_unusual(frame):
    """An empty history has no finding, and is no error."""
    assert findings(frame(status=[]))["kind"].tolist() == ["nothing unusual"]


def test_what_hangs_is_to_be_acted_on(frame):
    """A stuck action is the first row, with its id and the call that shows more."""
    hangs = frame(id=[77], type="reboot", status=["in-progress"], started_at=[at(3)], seconds=[2 * 86_400])

    first = findings(pd.concat([reboots(frame), hangs])).iloc[0]

    assert first[["severity", "kind", "group", "call", "ids"]].tolist() == [
        "act now", "stuck action", "web-1", "da.open_actions(actions)", "77",
    ]  # fmt: skip
    assert first["sentence"] == "reboot of web-1 has not ended: open for 2 d; the longest of 60 like it took 16 s."


def test_an_incident_is_a_sentence_with_its_figures(frame):
    """Many failures of a region on one day are one row; within the last day they are to be acted on."""
    usual = frame(type="resize", started_at=[at(1 + n % 300) for n in range(3000)], region="fra1")
    for days_ago, severity in ((40, "look"), (0, "act now")):
        moment = at(days_ago, hour=0 if days_ago == 0 else 13)
        burst = frame(id=list(range(9001, 9013)), type="resize", status=["errored"] * 12, started_at=[moment] * 12)

        found = of_kind(findings(pd.concat([usual, burst])), "incident")

        assert found["severity"].tolist() == [severity]
        assert found["sentence"].item().startswith("12 of ")
        assert " in fra1 failed, where 0.0 were to be expected, from " in found["sentence"].item()
        assert found["ids"].item() == ", ".join(map(str, range(9001, 9013)))


def test_what_takes_longer_is_a_change(frame):
    """A type that takes twice as long since a day is a row with the sentence of `changes`."""
    starts = [at(1 + n % 200) for n in range(2000)]
    seconds = [(40 if n % 200 < 60 else 20) + n % 7 for n in range(2000)]

    found = of_kind(findings(frame(type="resize", started_at=starts, seconds=seconds)), "change of duration")

    assert found["group"].tolist() == ["resize"]
    assert found["sentence"].item().startswith("resize takes 1.")


def test_five_lasting_droplets_within_an_hour_are_many(frame):
    """Four are not, nor are droplets that lived for hours; the sentence says when, and that nobody works then."""
    sunday = "2026-03-29T22:{:02}:00Z"

    def destroyed(count, created):
        keys = [f"droplet:{n}" for n in range(count)]
        made = frame(type="create", started_at=created, resource=keys, resource_name=keys)
        gone = frame(
            id=list(range(501, 501 + count)), type="destroy", started_at=[sunday.format(5 * n) for n in range(count)],
            resource=keys, resource_name=keys,
        )  # fmt: skip
        return of_kind(findings(pd.concat([reboots(frame), made, gone])), "many destroyed")

    many = destroyed(5, at(50))

    assert destroyed(4, at(50)).empty
    assert destroyed(5, "2026-03-29T20:00:00Z").empty
    assert many["severity"].tolist() == ["look"]
    assert many["sentence"].item() == (
        "5 droplets that had existed for 1 d or longer were destroyed from 2026-03-29 22:00 to 22:20 UTC, outside "
        "business hours: droplet:0, droplet:1, droplet:2 and 2 more."
    )
    assert many["ids"].item() == "501, 502, 503, 504, 505"


def test_each_burst_of_destructions_is_a_finding_of_its_own(frame):
    """What is destroyed more than an hour before or after, or by itself, is in no burst."""
    minutes = [0, 10, 20, 30, 40, 50, 300, 600, 660, 715, 720, 725, 730, 735, 900]
    times = [f"2026-03-27T{minute // 60:02}:{minute % 60:02}:00Z" for minute in minutes]
    keys = [f"droplet:{n}" for n in range(len(times))]
    gone = frame(id=list(range(501, 501 + len(times))), type="destroy", started_at=times, resource=keys)

    found = of_kind(findings(pd.concat([reboots(frame), gone.sample(frac=1, random_state=7)])), "many destroyed")

    assert sorted(found["ids"]) == ["501, 502, 503, 504, 505, 506", "508, 509, 510, 511, 512, 513, 514"]


@pytest.mark.parametrize(("backup_days_ago", "is_found"), [(12, False), (18, True), (None, True)])
def test_a_droplet_destroyed_without_a_recent_backup_is_found(frame, backup_days_ago, is_found):
    """One that was backed up within the week before its end is not."""
    gone = frame(type="destroy", started_at=[at(10)], resource="droplet:9", resource_name="db-1")
    parts = [reboots(frame), gone]
    if backup_days_ago:
        parts.append(frame(type="snapshot", started_at=[at(backup_days_ago)], resource="droplet:9"))

    found = of_kind(findings(pd.concat(parts)), "destroyed without backup")

    assert len(found) == is_found
    if is_found:
        assert found["sentence"].item().endswith("within 7 days before: db-1.")


def test_droplets_that_are_off_and_not_backed_up(frame):
    """One that is off for a day is billed all the same; those without a backup are counted in one row."""
    off = frame(type="power_off", started_at=[at(5)], resource="droplet:9", resource_name="old")

    table = findings(pd.concat([reboots(frame), off]))

    assert of_kind(table, "droplet off")["sentence"].tolist() == ["old has been off for 4 d 11 h, and is still billed."]
    assert of_kind(table, "no backup")["sentence"].item() == (
        "2 of 2 droplets seen in the actions have had no snapshot or backup taken for 7 days, 2 of them never in these "
        "actions: web-1, old."
    )


@pytest.mark.parametrize(("last", "severity", "came_to"), [
    ("errored", "look", "no attempt has worked"), ("completed", "know", "worked after 40 min"),
])  # fmt: skip
def test_three_failures_in_a_row_are_found(frame, last, severity, came_to):
    """Also once an attempt has worked, but then it is only good to know."""
    starts = [f"2026-03-20T10:{10 * n:02}:00Z" for n in range(5)]
    tries = frame(type="snapshot", status=["errored"] * 4 + [last], started_at=starts, seconds=[10] * 5)

    found = of_kind(findings(pd.concat([reboots(frame), tries])), "failed again and again")

    assert found["severity"].tolist() == [severity]
    assert found["sentence"].item().endswith(f"{came_to}.")


def test_a_new_type_or_region_is_found_in_a_long_history_only(frame):
    """What was first seen within 30 days is found where the history is 180 days long."""
    new = frame(type="rebuild", started_at=[at(5)], region="blr1")

    long_, short = (findings(pd.concat([reboots(frame, count), new])) for count in (100, 20))

    assert of_kind(long_, "new type")["group"].tolist() == ["rebuild"]
    assert of_kind(long_, "new region")["sentence"].tolist() == [
        "The region blr1 was seen for the first time on 2026-03-27 12:00 UTC."
    ]
    assert of_kind(short, "new type").empty


def test_business_hours_are_those_of_the_zone(frame):
    """A reset on a Friday at 15:30 UTC is within the hours of Berlin, and outside those of Kolkata."""
    reset = frame(type="password_reset", started_at=["2026-03-27T15:30:00Z"])
    actions = pd.concat([reboots(frame), reset])

    berlin, kolkata = (findings(actions, tz=zone) for zone in ("Europe/Berlin", "Asia/Kolkata"))

    assert len(of_kind(berlin, "password reset")) == len(of_kind(kolkata, "password reset")) == 1
    assert of_kind(berlin, "outside business hours").empty
    assert "7:00 to 20:00, Asia/Kolkata" in of_kind(kolkata, "outside business hours")["sentence"].item()


def test_since_leaves_out_what_began_before(frame):
    """Only what began at that moment or later is listed, counted back from the newest reading, or has no beginning."""
    hangs = frame(
        type="reboot", status=["in-progress"] * 2, started_at=[at(40), at(3)], seconds=[30 * 86_400, 2 * 86_400]
    )
    actions = pd.concat([reboots(frame), hangs])

    assert len(of_kind(findings(actions), "stuck action")) == 2
    assert len(of_kind(findings(actions, since="7d"), "stuck action")) == 1
    assert len(of_kind(findings(actions, since="2026-02-01"), "stuck action")) == 2
    assert len(of_kind(findings(actions, since="7d"), "no backup")) == 1


@pytest.mark.parametrize(("argument", "said"), [
    ({"tz": "Europe/Nowhere"}, "tz is the name of a time zone"), ({"hours": (20, 7)}, "hours are the first hour"),
    ({"since": "soon"}, "since is"),
])  # fmt: skip
def test_an_odd_argument_is_refused(frame, argument, said):
    """What is no zone, no hours or no moment is refused by its name."""
    with pytest.raises(InvalidArgument, match=said):
        findings(reboots(frame), **argument)
