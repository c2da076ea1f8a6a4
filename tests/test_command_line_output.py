"""What every command prints: the rows of its function as CSV, JSON and a table, and nothing else on standard output."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import doaudit as da
from doaudit.actions import Record, to_frame
from doaudit.cli import COMMANDS, main
from doaudit.cli.output import json_text
from doaudit.csv import csv_bytes
from doaudit.demo import World, serve
from doaudit.demo.world.records import Action, Droplet
from doaudit.tables import TABLES

HOSTILE = "<b>\x1b]0;owned\x07[bold]=cmd()"


@pytest.fixture(scope="module")
def account():
    """A small simulated company, served as an account of its own."""
    with serve(seed=7, actions=400, speed=0) as server:
        yield server


@pytest.fixture
def environment(account, monkeypatch, tmp_path):
    """Let the environment name it, and keep one history."""
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", account.token)
    monkeypatch.setenv("DIGITALOCEAN_API_URL", account.url)
    return ["--history", str(tmp_path / "history.duckdb")]


def as_json(rows: pd.DataFrame) -> list[dict]:
    """The rows as plain values, by a second way: through text, cell by cell."""
    plain = []
    for row in rows.astype(object).to_dict("records"):
        cells = {}
        for name, value in row.items():
            if isinstance(value, list):
                cells[name] = value
            elif pd.isna(value) or (isinstance(value, float) and np.isinf(value)):
                cells[name] = None
            elif isinstance(value, pd.Timestamp):
                cells[name] = value.isoformat().replace("+00:00", "Z")
            else:
                cells[name] = value
        plain.append(cells)
    return plain


def test_json_and_csv_of_every_table_are_its_functions_frame(account, environment, capsys):
    """Every table's command prints what the function of its name returns, with every column."""
    assert main(["refresh", *environment]) == 0
    with da.connect(history=environment[1]) as opened:
        actions, droplets, started = opened.actions(refresh=False), opened.droplets(), opened.started()
    known = {"droplets": {"droplets": droplets}, "started_by_doaudit": {"started_by_doaudit": started["id"]}, "": {}}
    for table in TABLES:
        expected = table.function(actions, **known[table.from_account])
        name = table.name.replace("_", "-")
        # What only the account can tell is asked of it; of the rest the history is enough.
        words = [] if table.from_account else ["--no-refresh"]
        capsys.readouterr()

        assert main([name, "--format", "json", *words, *environment]) == 0
        printed = capsys.readouterr().out
        assert json.loads(printed) == as_json(expected), name
        assert printed.isascii()

        assert main([name, "--format", "csv", *words, *environment]) == 0
        assert capsys.readouterr().out.encode() == csv_bytes(expected), name


@pytest.mark.parametrize("name", ["open_actions", "power_periods", "backups"])
def test_a_part_is_judged_by_all(account, environment, capsys, name):
    """An action that hangs has one verdict, and a droplet one last backup, whatever part is asked for."""
    assert main(["refresh", *environment]) == 0
    with da.connect(history=environment[1]) as opened:
        actions = opened.actions(refresh=False)
    every, part = getattr(da, name)(actions), da.select(actions, type=["snapshot", "resize", "power_on"], region="fra1")
    column = "id" if name == "open_actions" else "resource"
    expected = every[every[column].isin(part[column].dropna())]
    capsys.readouterr()

    flags = ["--type", "snapshot,resize,power_on", "--region", "fra1", "--no-refresh", "--format", "json"]
    assert main([name.replace("_", "-"), *flags, *environment]) == 0

    assert 0 < len(expected) < len(every)
    assert json.loads(capsys.readouterr().out) == as_json(expected)


def test_droplets_sql_and_actions_are_rows_as_well(account, environment, capsys):
    """The other commands that print rows print those of the account's methods."""
    assert main(["refresh", *environment]) == 0
    with da.connect(history=environment[1]) as opened:
        droplets, query = opened.droplets(), "SELECT type, count(*) AS n FROM actions GROUP BY ALL ORDER BY ALL"
        counted = opened.history.sql(query)
        action = opened.action(int(opened.actions(refresh=False)["id"].max()))
    capsys.readouterr()

    for words, expected in ((["droplets"], droplets), (["sql", query], counted)):
        assert main([*words, "--format", "json", *environment]) == 0
        assert json.loads(capsys.readouterr().out) == as_json(expected)
    status = 1 if action.outcome == "errored" else 0
    assert main(["action", str(action.id), "--format", "json", *environment]) == status
    [row] = json.loads(capsys.readouterr().out)
    assert (row["id"], row["type"], row["resource"]) == (action.id, action.type, action.resource)


def test_a_table_is_what_show_has_and_says_what_is_left_out(account, environment, capsys):
    """Rows are cut after as many as are asked for, and only standard error says so."""
    assert main(["refresh", *environment]) == 0
    with da.connect(history=environment[1]) as opened:
        expected = str(da.show(da.slowest(opened.actions(refresh=False)), rows=3)).splitlines()[:-1]
    capsys.readouterr()

    assert main(["slowest", "--rows", "3", "--no-refresh", *environment]) == 0

    shown = capsys.readouterr()
    assert shown.out.splitlines() == expected
    assert "3 of 10 rows; --rows 0 shows all" in shown.err


def test_a_golden_file_of_what_people_see(capsys):
    """A command on a small simulated account prints this, which was read once by a person."""
    actions = to_frame(
        [
            Record(3, "completed", "resize", "2026-03-02T10:00:00Z", "2026-03-02T10:03:20Z", 5, "droplet"),
            Record(2, "errored", "reboot", "2026-03-01T10:00:00Z", "2026-03-01T10:00:04Z", 5, "droplet"),
        ],
        1_772_700_000,
    )
    from doaudit.cli.output import print_rows  # noqa: PLC0415 -- beside what it is given

    print_rows(da.slowest(actions).assign(resource_name=["web-01", HOSTILE]), "table", 100)

    assert capsys.readouterr().out == (Path(__file__).parent / "golden" / "slowest.txt").read_text(encoding="utf-8")


@pytest.fixture
def droplets(monkeypatch, tmp_path):
    """An account with two droplets of one name, in which nothing takes long."""
    named = [Droplet(7, "web-01", snapshot_s=1), Droplet(8, "web-02", snapshot_s=1)]
    named += [Droplet(9, "twin"), Droplet(10, "twin")]
    with serve(World(droplets=named, actions=[Action(1, "reboot", 100, 110, resource_id=9)]), speed=50) as server:
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", server.token)
        monkeypatch.setenv("DIGITALOCEAN_API_URL", server.url)
        yield server.world


def posts(world):
    """The requests that change something."""
    return [request for request in world.requests if not request.startswith("GET")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["act", "twin", "reboot", "--yes"], "2 droplets are called 'twin': 9, 10. Name one by its id."),
        (["act", "web-*", "reboot", "--yes"], "'web-*' fits 2 droplets, and an event is of one."),
        (["act", "web-1", "reboot", "--yes"], "There is no droplet 'web-1'. Did you mean web-01"),
        (["act", "web-01", "reboot", "--set", "size", "--yes"], "'size' is not NAME=VALUE"),
        (["snapshot", "web-01", "web-02", "--yes"], "'web-02' is the name of a droplet, so it is not taken for that"),
        (
            ["snapshot", "web-01", "web-02", "twin", "--yes"],
            "To take several, write --droplet before each",
        ),
        (["snapshot", "twin", "--yes"], "2 droplets are called 'twin': 9, 10."),
        (["snapshot", "--yes"], "Name a droplet, by its id or its name."),
        (["snapshot", "web-01"], "there is no terminal to ask on. --yes begins without asking."),
        (["act", "web-01", "reboot"], "there is no terminal to ask on. --yes begins without asking."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_clear_changes_nothing(words, said, droplets, monkeypatch, capsys):
    """A name of several droplets, a glob without quotes, no terminal to ask on: it is said, and nothing is sent."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert main(words) in (1, 2)

    assert said in capsys.readouterr().err
    assert posts(droplets) == []


def test_nobody_to_ask_is_status_2(droplets, monkeypatch):
    """A job that forgot --yes ends with its own status, and not with that of a failure."""
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))

    assert [main([*words]) for words in (["snapshot", "7"], ["act", "7", "reboot"])] == [2, 2]
    assert posts(droplets) == []


def test_an_event_is_started_once_by_name_and_waited_for(droplets, capsys):
    """Its row says how it ended, and the status whether it completed."""
    assert main(["act", "web-01", "reboot", "--wait", "--yes", "--format", "json"]) == 0

    [row] = json.loads(capsys.readouterr().out)
    assert (row["type"], row["outcome"], row["resource"]) == ("reboot", "completed", "droplet:7")
    assert posts(droplets) == ["POST /v2/droplets/7/actions"]
    # A name is text, also one of digits: the API refuses a number.
    assert main(["act", "7", "rename", "--set", "name=12", "--wait", "--yes"]) == 0


def test_several_snapshots_one_after_the_other(droplets, capsys):
    """A pattern takes each droplet that fits, by its name; `{droplet}` in the name of the snapshot is the droplet's."""
    assert main(["snapshot", "web-*", "{droplet} nightly", "--live", "--yes"]) == 0

    taken = sorted(image.name for image in droplets.images.values() if "nightly" in image.name)
    assert taken == ["web-01 nightly", "web-02 nightly"]
    assert posts(droplets) == ["POST /v2/droplets/7/actions", "POST /v2/droplets/8/actions"]


def test_the_first_that_fails_ends_it_and_says_which_were_not_begun(droplets, capsys):
    """After a failure no other snapshot is begun."""
    from doaudit.demo import Fault  # noqa: PLC0415 -- beside its use

    droplets.faults.add(Fault("errored", type="snapshot"))

    assert main(["snapshot", "--droplet", "web-01", "--droplet", "8", "nightly", "--live", "--yes"]) == 1

    assert "Not begun: web-02 (8)." in capsys.readouterr().err
    assert set(posts(droplets)) == {"POST /v2/droplets/7/actions"}


def test_a_timeline_is_asked_for_by_name_and_digits_are_an_id(droplets, capsys, tmp_path):
    """A name is all resources that have it, each with its key; digits are always an id."""
    history = ["--history", str(tmp_path / "h.duckdb"), "--format", "json"]
    assert main(["timeline", "9", *history]) == 0
    by_id = json.loads(capsys.readouterr().out)
    assert main(["timeline", "twin", *history]) == 0
    by_name = json.loads(capsys.readouterr().out)

    assert [row["resource"] for row in by_id] == ["droplet:9"]
    assert by_name == by_id


def test_watch_says_at_once_how_long_it_looks(droplets, capsys):
    """What is not known of durations, and after how long it gives up, is said before the first answer."""
    action = droplets.act_on_droplet(7, {"type": "reboot"})

    assert main(["watch", str(action.id)]) == 0

    shown = capsys.readouterr()
    assert "How long such actions usually take is not known here" in shown.err
    assert "is given up after 2 minutes" in shown.err
    assert f"reboot {action.id} of droplet:7: completed" in shown.out


def test_bare_doaudit_and_help_need_no_pandas():
    """Without a word it shows the help, with examples and variables; no help text loads pandas, rich or matplotlib."""
    code = (
        "import sys; from doaudit.cli import main, COMMANDS\n"
        "assert main([]) == 0\n"
        "assert [main([name, '--help']) for name in COMMANDS.commands] == [0] * len(COMMANDS.commands)\n"
        "heavy = 'pandas numpy scipy rich jinja2 matplotlib duckdb requests ipywidgets flask'.split()\n"
        "print(sorted(set(heavy) & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert said.splitlines()[-1] == "[]"
    assert "doaudit failures --since 7d --region nyc3" in said
    assert "DIGITALOCEAN_TOKEN" in said
    assert len([line for line in said.splitlines() if line.startswith("Usage: doaudit")]) == len(COMMANDS.commands) + 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_choices(shell):
    """The script of a shell is printed, and what it asks for is answered."""
    script = subprocess.run(
        [sys.executable, "-m", "doaudit", "completion", shell], capture_output=True, text=True, check=True
    ).stdout
    asked = {"COMP_WORDS": "doaudit fail", "COMP_CWORD": "fail" if shell == "fish" else "1"}
    environment = os.environ | {"_DOAUDIT_COMPLETE": f"{shell}_complete"} | asked
    answer = subprocess.run(
        [sys.executable, "-m", "doaudit"], capture_output=True, text=True, check=False, env=environment
    ).stdout

    assert "_DOAUDIT_COMPLETE" in script
    assert {"failure-rates", "failures"} <= set(re.split(r"[\s,]+", answer))


@pytest.mark.skipif(shutil.which("bash") is None, reason="There is no bash here")
def test_bash_itself_completes():
    """A real bash takes the script, asks by it, and gets the commands that begin so."""
    line = (
        'eval "$(doaudit completion bash)"; COMP_WORDS=(doaudit fail); COMP_CWORD=1; '
        '_doaudit_completion doaudit fail doaudit; echo "${COMPREPLY[@]}"'
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        [str(shutil.which("bash")), "-c", line],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PATH": path},
    )

    assert sorted(done.stdout.split()) == ["failure-rates", "failures"]


def on_a_terminal(words, answer="", **variables):
    """What a command shows on a real terminal, and its status."""
    ours, theirs = pty.openpty()
    command, streams = [sys.executable, "-m", "doaudit", *words], {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with subprocess.Popen(command, env=os.environ | variables, **streams) as process:
        os.close(theirs)
        said = b""
        with suppress(OSError):  # which is how Linux says that the other end has closed
            while piece := os.read(ours, 4096):
                said += piece
                if answer and b"Type yes:" in said:
                    os.write(ours, answer.encode())
                    answer = ""
    os.close(ours)
    return said.decode(), process.returncode


def test_a_terminal_has_colours_unless_it_wants_none(account, environment):
    """Verdicts have colours on a terminal, none with NO_COLOR, and no name of the API is a command to it."""
    words = ["open-actions", *environment]
    coloured, status = on_a_terminal(words, TERM="xterm", NO_COLOR="", COLUMNS="120")
    plain, _ = on_a_terminal(words, TERM="xterm", NO_COLOR="1", COLUMNS="120")

    assert status == 0
    assert "\x1b[" in coloured
    assert "\x1b[" not in plain.replace("\x1b[A", "")
    assert "stuck" in plain


@pytest.mark.parametrize(("answer", "status"), [("yes\n", 0), ("no\n", 1)])
def test_a_terminal_is_asked(answer, status, droplets):
    """What changes an account is asked for on a terminal, and done only after a yes."""
    said, ended = on_a_terminal(["act", "web-01", "reboot"], answer)

    assert "reboot of web-01 (droplet:7)." in said
    assert ended == status
    assert len(posts(droplets)) == (1 if status == 0 else 0)


def test_json_of_hostile_text_is_ascii_and_exact():
    """Control characters are escapes in JSON, and come back as they were."""
    rows = pd.DataFrame({"name": [HOSTILE, None], "share": [0.5, float("inf")], "ids": [[1], []]})

    text = json_text(rows)

    assert text.isascii()
    assert not set(text) & set("\x1b\x07")
    assert json.loads(text) == [
        {"name": HOSTILE, "share": 0.5, "ids": [1]},
        {"name": None, "share": None, "ids": []},
    ]
    assert json.loads(json_text(rows.head(0))) == []


def test_a_history_that_is_not_refreshed_says_how_old_it_is(account, environment, capsys, monkeypatch):
    """With --no-refresh the age of the last read stands beside its time."""
    assert main(["refresh", *environment]) == 0
    later = time.time() + 3 * 86_400
    monkeypatch.setattr("doaudit.clock.SystemClock.now", lambda _: later)

    assert main(["failures", "--no-refresh", *environment]) == 0

    assert re.search(r"Complete as of 2026-11-23 12:00 UTC, \d+ d.* ago: 400 actions", capsys.readouterr().err)


def test_a_report_of_a_part_and_its_verification(account, environment, tmp_path, capsys):
    """`doaudit report` takes the flags of a selection, and `doaudit verify` says whether a file was changed."""
    folder = tmp_path / "out"
    flags = ["--since", "20d", "--type", "snapshot,reboot", "--by", "region"]
    assert main(["report", str(folder), *flags, *environment]) == 0

    said = capsys.readouterr().out
    sha256 = re.search(r"[0-9a-f]{64}", said)[0]
    assert "This is a selection of" in said
    assert set(da.read_csv(folder / "actions.csv")["type"]) == {"snapshot", "reboot"}

    assert main(["verify", str(folder), "--sha256", sha256]) == 0
    assert "Intact" in capsys.readouterr().out
    (folder / "problems.csv").write_text("nothing\n")
    assert main(["verify", str(folder)]) == 1
    assert "problems.csv" in capsys.readouterr().out


def test_a_simulated_account_on_a_port_says_that_it_is_one(monkeypatch, tmp_path, capsys):
    """Who reads what `doaudit demo` serves is told so, though a token is used; it is asked without that."""
    with serve(World(droplets=[Droplet(7, "web-01")]), speed=0, announced=True) as server:
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", server.token)
        monkeypatch.setenv("DIGITALOCEAN_API_URL", server.url)
        assert main(["droplets", "--history", str(tmp_path / "h.duckdb")]) == 0

    said = capsys.readouterr().err
    assert "SIMULATED ACCOUNT at http://127.0.0.1:" in said
    assert "REAL" not in said
