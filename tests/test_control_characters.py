"""Names that would write to a terminal, or look like other names, are only shown: in text, HTML and figures."""

from __future__ import annotations

import io
import json
import sys
import unicodedata
from datetime import UTC, datetime

import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

import doaudit as da
from doaudit.actions import Record, to_frame
from doaudit.api.listing import Progress
from doaudit.api.retry import Attempts, Pause
from doaudit.cli import main
from doaudit.demo import World, serve
from doaudit.demo.world.records import Action, Droplet
from doaudit.errors import DoauditError, FileProblem, ReadIncomplete
from doaudit.expected_duration import ExpectedDurations
from doaudit.formatting import html_text, one_line, visible
from doaudit.operations.console import print_line
from doaudit.operations.observation import Baseline, classify
from doaudit.plots.labels import action_names, group_names
from doaudit.progress import ReadBar
from doaudit.snapshot.run import LogLine, Run
from doaudit.widgets.droplet_rows import droplet_rows
from doaudit.widgets.monitor_text import row_cells
from doaudit.widgets.snapshot_text import (
    button_text,
    confirmation,
    fallback_html,
    fallback_text,
    plan_cells,
    run_cells,
)

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
HOSTILE = "\x1b]0;owned\x07\u202egpj.\u2066\u200b\x9b2J\u2028"
SHOWN = r"\x1b]0;owned\x07\u202egpj.\u2066\u200b\x9b2J\u2028"


def harmful(text, keep="\n"):
    """The characters of a text that a terminal would obey, or that nobody sees."""
    return {character for character in text if unicodedata.category(character) in UNSEEN} - set(keep)


@pytest.fixture
def served(monkeypatch):
    """An account that the environment names, with a droplet of a hostile name."""
    actions = [
        Action(id=1, type="reboot", resource_id=5, started_at=1, ends_at=61),
        Action(id=2, type="resize", resource_id=5, started_at=5, ends_at=905, outcome="errored"),
    ]
    droplets = [Droplet(5, HOSTILE)]
    with serve(World(actions=actions, droplets=droplets), speed=0) as server:
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", server.token)
        monkeypatch.setenv("DIGITALOCEAN_API_URL", server.url)
        yield server


@pytest.mark.parametrize("keep", ["", "\n"])
@examples(300)
@given(text=st.text(st.characters(), max_size=20) | st.text(st.sampled_from(HOSTILE + "\n\t\ud800aé"), max_size=20))
def test_nothing_unseen_is_left_and_all_else_stays(text, keep):
    """Control characters are escaped once, and whatever has a picture is as it was."""
    shown = visible(text, keep=keep)

    assert harmful(shown, keep) == set()
    assert visible(shown, keep=keep) == shown
    for character in text:
        assert character in shown or unicodedata.category(character) in UNSEEN


@pytest.mark.parametrize("name", ["web-01.example.com", "größe", "データ", "बाज़ार", "🦀 crab", "a\xa0b", r"C:\x1b"])
def test_names_of_every_language_stay(name):
    """Letters, marks, blanks and symbols are no control characters."""
    assert visible(name) == name


def test_the_rule_holds_wherever_text_is_made_safe():
    """HTML, excerpts of answers, labels in figures, and every error show the characters."""
    names = action_names(
        pd.DataFrame({"type": [HOSTILE], "resource": [None], "started_at": pd.to_datetime(["2026-03-12T22:27:07Z"])})
    )

    for text in (
        html_text(f"<b>{HOSTILE}"), one_line(HOSTILE), group_names([(HOSTILE,)])[0], names[0],
        str(FileProblem(HOSTILE)), str(ReadIncomplete(HOSTILE, None)), *DoauditError(HOSTILE)._render_traceback_(),
    ):  # fmt: skip
        assert harmful(text) == set()
        assert r"\x1b]0;own" in text


def test_panels_show_them():
    """Neither a row, nor a sentence to agree to, nor a plan, a run or an open action has one; nor has their HTML."""
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    line = LogLine(now, f"{HOSTILE} is off.")
    run = Run("r", 7, HOSTILE, HOSTILE, live=False, was_on=True, created_at=now, sentence=HOSTILE, log=(line,))
    text = {"id": [7], "name": [HOSTILE], "status": ["off"], "region": ["fra1"], "size": ["s"]}
    droplets = pd.DataFrame({**text, "snapshot_ids": [[]], "backup_ids": [[]], "backups_enabled": [False]})
    [row] = droplet_rows(droplets, to_frame([], 0), now)
    resize = da.Action.of(Record(1, "in-progress", HOSTILE, now.isoformat(), None, 7, "droplet"), 0)
    seen = classify(resize, now, Baseline(ExpectedDurations({}), {"droplet:7": HOSTILE}))
    told = [plan_cells(run), run_cells(run, now, cancelling=True, over=False, link=None), row_cells(seen), row]

    texts = [confirmation([run]), button_text([run]), fallback_text([run], now), fallback_html([run], now)]
    for text in [*texts, *(json.dumps(each, ensure_ascii=False).replace("\\\\", "\\") for each in told)]:
        assert harmful(text) == set()
        assert r"\x1b]0;owned" in text


def test_a_printed_line_is_one_line(capsys):
    """A name can neither move the cursor nor begin a line of its own; line feeds at the start are ours."""
    print_line(f"\nSnapshot of a\nREAL ACCOUNT {HOSTILE}")

    assert capsys.readouterr().err == f"\nSnapshot of a\\nREAL ACCOUNT {SHOWN}\n"


def test_the_bar_shows_them(monkeypatch):
    """What is read, and why it waits, stands in the progress bar."""
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("doaudit.progress._SHOWN_AFTER_S", 0)
    with ReadBar() as bar:
        bar(HOSTILE, Progress(rows=1, total=2, pages=1, planned=1, pause=Pause(3.0, HOSTILE, Attempts())))

    assert terminal.getvalue().count(r"\x1b]0;owned\x07\u202e") >= 2
    assert HOSTILE[:5] not in terminal.getvalue()


@pytest.mark.parametrize("words", [["slowest"], pytest.param(["failures"], marks=pytest.mark.thorough)])
def test_a_command_shows_them(served, capsys, words):
    """A table on a terminal has nothing that it would obey."""
    assert main(words) == 0

    shown = capsys.readouterr()
    assert harmful(shown.out + shown.err) == set()
    assert SHOWN in shown.out


@pytest.mark.thorough
def test_an_audit_shows_them_and_keeps_them(served, capsys, tmp_path):
    """The page shows the characters; the files for programs have them exactly."""
    assert main(["audit", "--out", str(tmp_path / "out")]) == 0

    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert harmful(capsys.readouterr().out + page) == set()
    assert SHOWN in page
    assert set(da.read_csv(tmp_path / "out" / "actions.csv")["resource_name"]) == {HOSTILE}


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_csv_is_exact_but_on_a_terminal(served, monkeypatch, is_terminal):
    """A program that reads the table through a pipe gets the names as they are; a terminal does not obey them."""
    output = io.StringIO()
    output.isatty = lambda: is_terminal
    monkeypatch.setattr(sys, "stdout", output)

    assert main(["slowest", "--format", "csv"]) == 0

    assert (HOSTILE in output.getvalue()) is not is_terminal
    assert (SHOWN in output.getvalue()) is is_terminal
