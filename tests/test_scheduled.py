"""Recipes for scheduled use: their files are read as cron, systemd, Docker and GitHub read them, and really run."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import subprocess
import sysconfig
import venv

import pytest
from recipes import PAGE, RECIPES, ROOT, Place, crontab, docker_runs, dockerfile, run_workflow, unit, workflow
from served import START, finished_actions

from doaudit.demo import Fault, World, serve
from doaudit.demo.world.records import Action

SYSTEMD_ANALYZE = shutil.which("systemd-analyze")
WELL = finished_actions(450, resource_id=5, resource="droplet:5")
HANGS = Action(id=9999, type="reboot", resource_id=5, started_at=START - 7200)


@pytest.fixture
def place(tmp_path):
    """Return the function that gives a place whose account has these actions."""
    servers = []

    def make(*actions):
        servers.append(serve(World(actions=[*actions]), speed=0))
        places.append(Place(servers[-1], tmp_path))
        return places[-1]

    places = []
    yield make
    for server in servers:
        server.stop()
    for each in places:
        assert each.server.token.encode() not in b"".join(each.said)


def test_the_page_has_each_recipe():
    """Each file is shown on the page, and linked from it for those who read it elsewhere."""
    text = PAGE.read_text(encoding="utf-8")

    assert {path.name for path in RECIPES.iterdir()} == set(re.findall(r"{literalinclude} scheduled/(\S+)", text))
    assert {path.name for path in RECIPES.iterdir()} == set(re.findall(r"\]\(scheduled/(\S+)\)", text))


@pytest.fixture
def cron(place):
    """Return the function that gives one that runs the crontab's jobs of an account as cron does."""

    def make(*actions):
        here = place(*actions)
        home = here.folder / "home"
        (home / "doaudit").mkdir(parents=True)
        token = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in here.secrets.items())
        (home / "doaudit" / "token.env").write_text(token)
        settings, commands = crontab(here)
        environment = {"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "HOME": str(home), "LOGNAME": "audit"} | settings
        return here, home, lambda job: here.run([environment["SHELL"], "-c", commands[job]], environment, home)

    return make


def test_cron_sends_no_mail_if_all_is_well(cron):
    """Each job ends with 0 and without a word, the second read costs one request, and its files are there."""
    here, home, run = cron(*WELL)
    first = run(0)
    here.requests()
    again = run(0)
    cost = here.requests()
    morning, monday = run(1), run(2)

    assert [(done.returncode, done.stdout) for done in (first, again, morning, monday)] == [(0, b"")] * 4
    assert cost == ["GET /v2/actions"]
    with (home / "doaudit" / "findings.csv").open(newline="", encoding="utf-8") as file:
        assert [row["kind"] for row in csv.DictReader(file)] == ["nothing unusual"]
    [report] = (home / "doaudit" / "reports").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report.name)
    assert json.loads((report / "manifest.json").read_text())["completeness"]["complete"] is True
    assert {path.name for path in here.folder.iterdir()} == {"programs", "home"}


def test_cron_mails_what_is_found(cron):
    """The morning's job prints why, and the findings."""
    _, home, run = cron(*WELL, HANGS)
    mail = run(1).stdout.decode()

    assert "so the exit status is 3" in mail
    assert "reboot of droplet:5 has not ended" in mail
    assert mail.endswith((home / "doaudit" / "findings.csv").read_text(encoding="utf-8"))


@pytest.mark.parametrize("job", [0, pytest.param(1, marks=pytest.mark.thorough)])
def test_cron_mails_that_a_read_failed(job, cron):
    """A token that was revoked is a sentence, in whichever job."""
    here, _, run = cron(*WELL)
    here.server.world.faults.add(Fault("unauthorized", times=None))

    assert "does not accept this token" in run(job).stdout.decode()


@pytest.mark.release
def test_two_jobs_at_once_are_no_error(cron):
    """Both read all of the account, end with 0 and say nothing; after at most one more read, one costs one request."""
    here, home, run = cron(*WELL)
    here.server.world.faults.add(Fault("slow", path="/v2/actions", seconds=0.5, times=None))
    settings, commands = crontab(here)
    environment = {"HOME": str(home)} | settings
    both = [
        subprocess.Popen(["/bin/sh", "-c", commands[0]], env=environment, cwd=home, stdout=-1, stderr=-2)
        for _ in range(2)
    ]

    assert [(each.communicate(), each.returncode) for each in both] == [((b"", None), 0)] * 2
    run(0)
    here.requests()
    assert (run(0).stdout, here.requests()) == (b"", ["GET /v2/actions"])


def test_the_service_writes_a_report_and_fails_if_something_is_found(place):
    """It has the variables and folders of its unit and no home, ends with 3, and keeps what it writes to itself."""
    here = place(*WELL, HANGS)
    state, cache, home = (here.folder / name for name in ("state", "cache", "home"))
    text = here.text("doaudit.service").replace("%S", str(state)).replace("%C", str(cache))
    service = unit(text)["Service"]
    [folder] = (state / name for name in service["StateDirectory"])
    folder.mkdir(parents=True)
    assert service["WorkingDirectory"] == [str(folder)]
    (cache / service["CacheDirectory"][0]).mkdir(parents=True)
    settings = dict(word.split("=", 1) for line in service["Environment"] for word in shlex.split(line))
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home)} | settings | here.secrets
    done = [here.run(shlex.split(line), environment, folder) for line in service["ExecStart"]]

    assert [each.returncode for each in done] == [0, 3]
    [report] = (folder / "data" / "reports").iterdir()
    assert json.loads((report / "manifest.json").read_text())["completeness"]["complete"] is True
    assert (folder / "history.duckdb").exists()
    assert not home.exists()


@pytest.mark.skipif(
    SYSTEMD_ANALYZE is None, reason="systemd-analyze is not here; Debian has it in the package systemd."
)
def test_systemd_understands_the_units(place):
    """It finds no fault in them, nor in the time of the timer."""
    here = place()
    units = [here.folder / name for name in ("doaudit.service", "doaudit.timer")]
    for path in units:
        path.write_text(here.text(path.name))
    [when] = unit(units[1].read_text())["Timer"]["OnCalendar"]

    for command in (["verify", *units], ["calendar", when]):
        done = subprocess.run([SYSTEMD_ANALYZE, *command], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.release
def test_a_container_keeps_its_history_in_the_volume(place):
    """Each `docker run` of the page does what it says, and those after the first cost one list of actions."""
    here = place(*WELL, HANGS)
    volume = here.folder / "history"
    volume.mkdir()
    instructions = dict(dockerfile())
    assert (instructions["WORKDIR"], instructions["VOLUME"]) == ("/history", "/history")
    settings = dict(word.split("=", 1) for word in shlex.split(instructions["ENV"]))
    settings |= {name: value.replace("/history", str(volume)) for name, value in settings.items()}
    settings["MPLCONFIGDIR"] = str(here.folder / "matplotlib")
    environment = {"PATH": f"{here.programs}:/usr/bin:/bin", "HOME": str(here.folder / "home")} | settings
    [entry], usual = json.loads(instructions["ENTRYPOINT"]), json.loads(instructions["CMD"])
    statuses, lists = [], []
    for words in docker_runs():
        command = [str(here.programs / entry), *(word.replace("/history", str(volume)) for word in words or usual)]
        statuses.append(here.run(command, environment | here.secrets, volume).returncode)
        lists.append(here.requests().count("GET /v2/actions"))

    assert statuses == [3, 0]
    assert lists[0] >= 3
    assert lists[1] == 1
    assert (volume / "report" / "index.html").exists()
    assert not (here.folder / "home").exists()


@pytest.mark.thorough
def test_the_image_is_built_from_what_it_copies(tmp_path):
    """What the Dockerfile copies is enough to install doaudit by its commands; only the dependencies are borrowed."""
    source, home = tmp_path / "src", tmp_path / "venv"
    source.mkdir()
    venv.create(home, with_pip=True)
    [packages] = (home / "lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    environment = {"PATH": f"{home / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path), "PIP_NO_INDEX": "1"}
    installs = []
    for name, text in dockerfile():
        if name == "COPY":
            *paths, to = shlex.split(text)
            for path in paths:
                target = source / to if to == path else source / to / path.rpartition("/")[2]
                target.parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if (ROOT / path).is_dir() else shutil.copy)(ROOT / path, target)
        elif name == "RUN" and text.startswith("pip install"):
            installs.append(text)
            if "--require-hashes" in text:  # needs the internet
                assert (source / text.split()[-1]).exists()
            else:
                subprocess.run(["/bin/sh", "-c", text], cwd=source, env=environment, check=True, capture_output=True)
    shown = subprocess.run([home / "bin" / "doaudit", "--help"], env=environment, cwd=tmp_path, check=True, stdout=-1)

    assert b"findings" in shown.stdout
    assert (packages / "doaudit" / "cli" / "findings.py").exists()
    [install] = [step["run"] for step in workflow()["steps"] if step.get("name") == "Install doaudit"]
    assert install.splitlines() == [text.replace(" --no-cache-dir", "") for text in installs]


@pytest.mark.thorough
def test_the_workflow_keeps_its_history_though_it_fails(place):
    """It fails with 3, uploads the report all the same, and the next run goes on where it ended."""
    here = place(*WELL, HANGS)
    first = run_workflow(here, here.folder / "first", here.folder / "cache")
    lists = here.requests().count("GET /v2/actions")
    second = run_workflow(here, here.folder / "second", here.folder / "cache")

    assert first[0] == second[0] == 3
    assert {"index.html", "manifest.json", "findings.csv"} <= first[1] & second[1]
    assert lists >= 4
    assert here.requests().count("GET /v2/actions") == 2


def test_the_workflow_has_what_the_page_says():
    """It saves the history whatever happened, each time under a new key that the next run finds by its beginning."""
    steps = {step["uses"].split("@")[0]: step for step in workflow()["steps"] if "uses" in step}
    restored, saved = steps["actions/cache/restore"]["with"], steps["actions/cache/save"]["with"]

    assert steps["actions/cache/save"]["if"] == steps["actions/upload-artifact"]["if"] == "always()"
    assert (restored["path"], restored["key"]) == (saved["path"], saved["key"])
    assert "github.run_id" in saved["key"]
    assert saved["key"].startswith(restored["restore-keys"])
