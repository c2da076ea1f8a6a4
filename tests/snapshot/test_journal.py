"""Journals on the disk: what they hold, and how damaged ones and those of earlier versions are read."""

from __future__ import annotations

import json
import os
import stat
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from staged import DROPLET, Crash, world_of

from doaudit.errors import FileProblem, NotPossible
from doaudit.snapshot.journal import Journal, load, note_started, runs, started
from doaudit.snapshot.transport import read_action

HERE = Path(__file__).parent


@pytest.fixture
def interrupted(scene):
    """The journal of a run that died when its droplet was off and its snapshot was under way."""
    scene.later(20, lambda: setattr(scene.clock, "crash", True))
    with pytest.raises(Crash):
        scene.snapshot()
    [path] = scene.journals
    assert [run.phase for run in scene.left] == ["snapshotting"]
    return path


def test_each_line_has_its_version_and_checksum(scene):
    """A line is what it was when it was written, or it can be told that it is not."""
    scene.snapshot()

    [path] = scene.journals
    lines = path.read_bytes().splitlines()
    for line in lines:
        read = json.loads(line)
        rest = line.replace(b'"v":2,"crc":"%s",' % read["crc"].encode(), b"", 1)
        assert (read["v"], int(read["crc"], 16)) == (2, zlib.crc32(rest))
    assert json.loads(lines[-1])["run"]["submissions"][0]["type"] == "shutdown"
    assert json.loads(lines[-1])["run"]["elapsed_s"] > 0


def test_only_its_owner_may_read_it(scene):
    """Journals and locks hold names and ids of an account: nobody else on the machine sees them."""
    scene.snapshot()
    files = [path for path in scene.root.rglob("*") if path.is_file()]

    assert len(files) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (scene.folders.journals, scene.folders.locks)} == {0o700}


def test_a_journal_that_others_may_read_is_taken_from_them(scene):
    """Journals that were left open to others, as by a copy, are 0600 once they are read."""
    scene.snapshot()
    action = read_action(scene.client, scene.world.act_on_droplet(DROPLET, {"type": "reboot"}).id)
    note_started(scene.folders.journals, f"droplet:{DROPLET}", action, scene.now)
    paths = list(scene.folders.journals.glob("*.jsonl"))
    for path in paths:
        path.chmod(0o664)

    assert len(started(scene.folders.readable)) > 1

    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}


@pytest.mark.parametrize("damage", ["emptied", "zeroed", "last line", "two last lines", "first byte", "line end"])
def test_a_damaged_journal_is_an_unfinished_run_of_unknown_state(scene, interrupted, damage):
    """A journal that cannot be read is listed, names its droplet and its file, and is not resumed."""
    content = interrupted.read_bytes()
    lines = content.splitlines(keepends=True)
    flipped = lines[-1].replace(b"snapshotting", b"snapshot\x11ing")
    interrupted.write_bytes(
        {
            "emptied": b"",
            "zeroed": bytes(len(content)),
            "last line": b"".join(lines[:-1]) + flipped,
            "two last lines": b"".join(lines[:-2]) + lines[-2].replace(b"e", b"f", 1) + flipped,
            "first byte": b"".join(lines[:-1]) + b"|" + lines[-1][1:],
            "line end": content[:-1] + b"\x8a",
        }[damage]
    )
    posts = len(scene.posts())

    [left] = scene.left
    with pytest.raises(NotPossible, match="IT IS NOT KNOWN whether droplet"):
        scene.drive(left)

    assert (left.phase, left.droplet_id, left.power_is_as_before) == ("unreadable", DROPLET, None)
    assert str(interrupted) in left.sentence
    assert f"droplets/{DROPLET}" in left.sentence
    assert len(scene.posts()) == posts


def test_any_byte_of_the_last_line_may_be_damaged(scene, interrupted):
    """No byte of the last line can change without its being noticed."""
    content = interrupted.read_bytes()
    last = content[:-1].rindex(b"\n") + 1
    whole = scene.left[0]

    for place in range(last, len(content), 7):
        interrupted.write_bytes(content[:place] + bytes([content[place] ^ 0x01]) + content[place + 1 :])
        assert scene.left[0].phase == "unreadable", content[place - 20 : place + 20]
    interrupted.write_bytes(content)
    assert scene.left == [whole]


def test_a_line_that_was_being_written_does_not_count(scene, interrupted):
    """A request that a torn last line announces was not sent; the line before it counts, and one snapshot is made."""
    content = interrupted.read_bytes()
    whole = scene.left[0]
    interrupted.write_bytes(content + content.splitlines(keepends=True)[-1][:-30])

    assert scene.left == [whole]
    ended = scene.drive(scene.left[0])

    assert (ended.ok, scene.power, len(scene.taken)) == (True, "active", 1)


def test_lines_that_are_missing_make_no_second_snapshot(scene, interrupted):
    """The droplet's own list tells that a snapshot was taken, where the last lines are gone without a trace."""
    lines = interrupted.read_bytes().splitlines(keepends=True)
    before = next(number for number, line in enumerate(lines) if b'"type":"snapshot"' in line)
    interrupted.write_bytes(b"".join(lines[:before]))

    ended = scene.drive(scene.left[0])

    assert (ended.ok, scene.power, len(scene.taken), len(scene.posts("actions"))) == (True, "active", 1, 3)


def test_a_line_of_a_newer_version_is_not_guessed_at(scene, interrupted):
    """A line that a newer doaudit has written is shown as of unknown state."""
    lines = interrupted.read_bytes().splitlines(keepends=True)
    interrupted.write_bytes(b"".join(lines[:-1]) + lines[-1].replace(b'"v":2', b'"v":3'))

    assert "version 3" in scene.left[0].sentence


@pytest.mark.parametrize("version", [1, 2])
def test_a_journal_of_an_earlier_version_is_resumed(scene, version):
    """A run that an earlier version left is listed, and its droplet is switched on."""
    earlier = scene.root / "history.runs"
    earlier.mkdir()
    text = (HERE / f"journal_of_version_{version}.jsonl").read_text(encoding="utf-8")
    run_id = json.loads(text.splitlines()[0])["run"]["id"]
    (earlier / f"{run_id}.jsonl").write_text(text, encoding="utf-8")
    scene.folders = replace(scene.folders, earlier=(earlier,))
    scene.world.droplets[DROPLET].change(scene.world.now, status="off")

    [left] = scene.left
    ended = scene.drive(left)

    assert (left.phase, left.power, left.was_on) == ("confirming off", "unknown", True)
    assert [submission.type for submission in left.submissions] == ["shutdown"]
    assert left.phase_deadline_s - left.phase_since_s == pytest.approx(88)
    assert ended.power_is_as_before
    assert scene.power == "active"
    assert scene.left == []
    assert text == next(earlier.glob("*.jsonl")).read_text(encoding="utf-8")


def test_single_events_are_kept_and_read_from_both_versions(scene):
    """Actions that doaudit has started are known from either version's files."""
    action = read_action(scene.client, scene.world.act_on_droplet(DROPLET, {"type": "reboot"}).id)
    earlier = scene.root / "history.runs"
    earlier.mkdir()
    old = {"action_id": 7, "type": "power_off", "resource": "droplet:9", "asked_at": "2026-11-01T00:00:00Z"}
    (earlier / "started.jsonl").write_text(json.dumps(old, separators=(",", ":")) + "\n")

    note_started(scene.folders.journals, f"droplet:{DROPLET}", action, scene.now)
    found = started([scene.folders.journals, earlier])

    assert [(action.action_id, action.type, action.resource) for action in found] == [
        (7, "power_off", "droplet:9"),
        (action.id, "reboot", f"droplet:{DROPLET}"),
    ]


def test_a_link_in_its_place_is_not_followed(scene):
    """Nobody can have a journal or a lock written into another file."""
    planned, victim = scene.plan(), scene.root / "victim"
    victim.write_text("precious")
    for folder in (scene.folders.journals, scene.folders.locks):
        folder.mkdir(parents=True)
    (scene.folders.locks / f"droplet-{DROPLET}.lock").symlink_to(victim)

    with pytest.raises(FileProblem, match="Nothing is begun"):
        scene.drive(planned)
    (scene.folders.locks / f"droplet-{DROPLET}.lock").unlink()
    (scene.folders.journals / f"{planned.id}.jsonl").symlink_to(victim)
    with pytest.raises((FileProblem, NotPossible)):
        scene.drive(planned)

    assert victim.read_text() == "precious"
    assert scene.posts() == []


def test_a_write_that_fails_leaves_the_file_as_it_was(scene, monkeypatch):
    """A line that could not be written whole is taken back."""
    ended = scene.snapshot()
    [path] = scene.journals
    content = path.read_bytes()

    def full(_file):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with Journal(scene.folders.journals, ended.id) as journal, pytest.raises(FileProblem, match="No space left"):
        journal.write(scene.now, "test", ended)

    assert path.read_bytes() == content
    assert load([scene.folders.journals], ended.id) == ended


def test_of_a_run_in_two_folders_the_first_counts(scene):
    """Once a run of an earlier version was taken up, its old journal is history."""
    ended = scene.snapshot()
    earlier = scene.root / "history.runs"
    earlier.mkdir()
    (earlier / f"{ended.id}.jsonl").write_bytes(b"")

    assert [run.phase for run in runs([scene.folders.journals, earlier])] == ["done"]
    assert world_of().droplets[DROPLET].id == ended.droplet_id
