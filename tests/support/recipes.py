"""Recipes of the guide's page on scheduled use, read and run as cron, systemd, Docker and GitHub do."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guide" / "scheduled.md"
RECIPES = ROOT / "docs" / "guide" / "scheduled"
SECRET = re.compile(r"\${{ secrets\.(\w+) }}")
PROGRAMS = "/opt/doaudit/bin"


@dataclass
class Place:
    """A machine with doaudit: a served account, and a folder for all that is written."""

    server: object
    folder: Path
    said: list[bytes] = field(default_factory=list)

    def __post_init__(self):
        """Install the program where the recipes have it; it is this checkout's."""
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        program = self.programs / "doaudit"
        program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m doaudit "$@"\n')
        program.chmod(0o755)

    def secret(self, match):
        """The secret that an expression of a workflow names."""
        return self.secrets[match[1]]

    @property
    def secrets(self):
        """The token, and the address at which it is good."""
        return {"DIGITALOCEAN_TOKEN": self.server.token, "DIGITALOCEAN_API_URL": self.server.url}

    def text(self, name):
        """A recipe, with the program where it is here."""
        return (RECIPES / name).read_text(encoding="utf-8").replace(PROGRAMS, str(self.programs))

    def run(self, command, environment, cwd):
        """Run a command as a scheduler does: without a terminal, and with this environment only."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = subprocess.run(command, env=environment, cwd=cwd, umask=0o022, check=False, **options)
        self.said.append(done.stdout)
        return done

    def requests(self):
        """The requests since the last time that this was asked, without their arguments."""
        sent = [request.split("?")[0] for request in self.server.world.requests]
        self.server.world.requests.clear()
        return sent


def crontab(place):
    """The variables of the crontab, and its commands: the hour's, the morning's, the Monday's."""
    lines = [line.strip() for line in place.text("crontab").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    settings = dict(line.split("=", 1) for line in lines if re.match(r"\w+ *=", line))
    jobs = [line.split(maxsplit=5) for line in lines if not re.match(r"\w+ *=", line)]
    assert all(re.fullmatch(r"[\d*/,-]+", part) for *schedule, _ in jobs for part in schedule)
    assert not any(re.search(r"(?<!\\)%", command) for *_, command in jobs)  # cron ends the command there
    return settings, [command.replace(r"\%", "%") for *_, command in jobs]


def unit(text):
    """The settings of a unit, section by section; one that is given twice has two values."""
    sections = {}
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            settings = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            name, value = line.split("=", 1)
            settings.setdefault(name, []).append(value)
    return sections


def dockerfile():
    """The instructions of the Dockerfile, in order."""
    lines = (RECIPES / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line and not line.startswith("#")]


def docker_runs():
    """The arguments of the page's `docker run`s behind the image's name, after a look at those before it."""
    lines = re.findall(r"^docker run (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    before = "--rm --volume doaudit-history:/history --env DIGITALOCEAN_TOKEN doaudit"
    assert all(line.startswith(before) for line in lines)
    return [shlex.split(line[len(before) :]) for line in lines]


def workflow():
    """The job of the workflow."""
    text = (RECIPES / "audit.yml").read_text(encoding="utf-8")
    read = yaml.safe_load(text)
    assert read["defaults"]["run"]["shell"] == "bash"
    assert set(read[True]) == {"schedule", "workflow_dispatch"}  # YAML takes the word `on` for true
    return read["jobs"]["audit"]


def run_workflow(here, workspace, cache):
    """Run the workflow's job as GitHub does, with its actions in place of GitHub's; return its status and uploads."""
    status, uploads = 0, set()
    workspace.mkdir()
    for step in workflow()["steps"]:
        if status and step.get("if") != "always()":
            continue
        options, kind = step.get("with", {}), step.get("uses", "").split("@")[0]
        if kind == "actions/cache/restore" and cache.exists():
            shutil.copytree(cache, workspace / options["path"])
        elif kind == "actions/cache/save":
            shutil.copytree(workspace / options["path"], cache, dirs_exist_ok=True)
        elif kind == "actions/upload-artifact":
            uploads |= {path.name for path in (workspace / options["path"]).iterdir()}
        elif "run" in step and step["name"] != "Install doaudit":
            given = {name: SECRET.sub(here.secret, text) for name, text in step["env"].items()}
            environment = {"PATH": f"{here.programs}:/usr/bin:/bin", "HOME": str(here.folder / "home"), **given}
            environment["DIGITALOCEAN_API_URL"] = here.secrets["DIGITALOCEAN_API_URL"]
            bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            status = here.run(bash, environment, workspace).returncode
    return status, uploads
