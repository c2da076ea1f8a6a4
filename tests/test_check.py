"""The check before an audit: whose token, its scopes, the requests left, the history, and what will be lacking."""

from __future__ import annotations

import pytest

from doaudit.cli import main
from doaudit.connect import connect
from doaudit.demo import Fault, World, serve
from doaudit.demo.world.records import Action, Volume
from doaudit.errors import Unauthorized

SCOPES = {
    *("actions:read", "account:read", "droplet:read", "image:read", "snapshot:read", "reserved_ip:read"),
    *("block_storage:read", "block_storage_action:read"),
}
VOLUME = "7724db7c-e098-11e5-b522-000f53304e51"


@pytest.fixture
def served(monkeypatch):
    """An account of three pages and a volume, which the environment names."""
    actions = [Action(id=n, type="reboot", resource_id=5, started_at=n, ends_at=n + 60) for n in range(1, 451)]
    with serve(World(actions=actions, volumes=[Volume(VOLUME, "data", "nyc3")]), speed=0) as server:
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", server.token)
        monkeypatch.setenv("DIGITALOCEAN_API_URL", server.url)
        yield server


def checked():
    """The check of the account that the environment names."""
    with connect() as account:
        return account.check()


def column(text, scope):
    """The word beside a scope."""
    return next(line.split()[1] for line in text.splitlines() if line.startswith(scope))


def test_check_says_whose_token_it_is_and_begins_nothing(served, data_home, capsys):
    """User, team, scopes and the requests left are said after requests that only read, and no file is made."""
    assert main(["check"]) == 0

    said = capsys.readouterr().out
    for words in ("ops@example.com", "b6fr89dbf6d9156c", "team Example company", "active", "of 5,000 left this hour"):
        assert words in said
    assert [column(said, scope) for scope in SCOPES] == ["yes"] * len(SCOPES)
    assert "Nothing will be lacking." in said
    assert "INCOMPLETE: nothing was read yet." in said
    assert served.token not in said
    assert all(request.startswith("GET ") for request in served.world.requests)
    assert list(data_home.rglob("*")) == []


@pytest.mark.parametrize("missing", sorted(SCOPES - {"actions:read"}))
def test_check_says_what_will_be_lacking(missing, served):
    """Each scope that a token lacks is named with what will be lacking for it, and the token is usable all the same."""
    served.world.tokens[served.token] = frozenset(SCOPES - {missing})

    result = checked()

    assert result.usable
    assert column(str(result), missing) == "no"
    named = [sentence for sentence in result.lacking if missing in sentence]
    # An image's name is a snapshot's, too. The volume to try the last scope with is named by the other.
    assert bool(named) == (missing != "snapshot:read")
    assert len(result.lacking) == len(named) + (missing == "block_storage:read")
    assert (result.access.owner is None) == (missing == "account:read")


def test_a_token_that_may_not_read_actions_is_not_usable(served, capsys):
    """Without actions:read there is no audit, and the status says so."""
    served.world.tokens[served.token] = frozenset(SCOPES - {"actions:read"})

    assert main(["check"]) == 1

    said = capsys.readouterr().out
    assert column(said, "actions:read") == "no"
    assert "The actions, without which there is no audit: the token lacks actions:read." in said


def test_check_says_how_far_the_history_is(served, capsys):
    """A history that was cut off is INCOMPLETE with the reason, one that was read whole is complete, and as of when."""
    served.world.faults.add(Fault("forbidden", path="page=2&"))
    assert main(["refresh"]) == 1
    capsys.readouterr()

    assert main(["check"]) == 0
    cut_off = capsys.readouterr().out
    assert main(["refresh"]) == 0
    assert main(["check"]) == 0

    assert "of 450 actions as of 2026-11-23 12:00 UTC (" in cut_off
    assert "INCOMPLETE: " in cut_off
    assert "Complete as of 2026-11-23 12:00 UTC: 450 actions, of which 0 are open." in capsys.readouterr().out


def test_a_list_that_cannot_be_read_is_unknown(served):
    """A fault of one address is its own reason, and the rest of the check is made."""
    served.world.faults.add(Fault("not_found", path="/v2/volumes", times=None))

    result = checked()

    assert result.usable
    assert column(str(result), "block_storage:read") == "unknown"
    assert "Names of volumes: there is nothing at /v2/volumes." in result.lacking


def test_a_token_that_is_not_valid_is_said(served):
    """A revoked token is an error with what to do, and no table of scopes."""
    served.world.tokens.revoke(served.token)

    with pytest.raises(Unauthorized, match="does not accept this token"):
        checked()
