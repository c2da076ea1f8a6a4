"""The places of what is kept, as README tells them."""

from __future__ import annotations

from pathlib import Path

import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from served import ROOT

from doaudit.cli import main
from doaudit.demo import World, serve
from doaudit.demo.world.records import Action, Droplet
from doaudit.demo.world.tokens import DEMO_TOKEN

SECTION = (ROOT / "README.md").read_text(encoding="utf-8").split("## What is kept, and where")[1].split("\n## ")[0]


@pytest.mark.parametrize("system", [Unix, MacOS])
def test_the_readme_names_the_places(system, monkeypatch):
    """The folders of histories and journals are those of the system."""
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)

    for folder in (system("doaudit").user_data_path, system("doaudit").user_state_path):
        assert f"`~/{folder.relative_to(Path.home()).as_posix()}`" in SECTION


def test_what_is_kept_has_no_token_and_no_address_of_the_user(data_home, tmp_path, monkeypatch):
    """A read and a check leave files in the data folder alone, without the token and the user's email."""
    actions = [Action(id=n, type="reboot", resource_id=7, started_at=n, ends_at=n + 60) for n in range(1, 6)]
    monkeypatch.chdir(tmp_path)
    with serve(World(actions=actions, droplets=[Droplet(7, "web-01")]), speed=0) as server:
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", server.token)
        monkeypatch.setenv("DIGITALOCEAN_API_URL", server.url)
        assert [main([each]) for each in ("refresh", "check")] == [0, 0]

    kept = [file.read_bytes() for file in data_home.rglob("*") if file.is_file()]
    assert any(b"web-01" in content for content in kept)
    assert not any(secret in content for content in kept for secret in (DEMO_TOKEN.encode(), b"ops@example.com"))
    assert list(tmp_path.iterdir()) == []
