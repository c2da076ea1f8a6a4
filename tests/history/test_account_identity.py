"""Identity of the account behind a token."""

from __future__ import annotations

import json

import pytest
from served import reading

import doaudit as da
from doaudit.demo import DEMO_TOKEN, World, serve
from doaudit.demo.world.records import Action
from doaudit.errors import WrongAccount
from doaudit.history.account_identity import open_history

OTHER = "dop_v1_" + "a" * 64


def an_account(first: int, count: int = 5) -> World:
    """A few actions with ids of their own."""
    return World(actions=[Action(id=first + n, type="reboot", started_at=n + 1, ends_at=n + 9) for n in range(count)])


def test_two_tokens_of_one_account_share_a_history(data_home):
    """The actions that one token has read are there for the other, in the same file."""
    with serve(an_account(100), speed=0) as server:
        with da.connect(token=DEMO_TOKEN, base_url=server.url) as first:
            first.refresh()
        with da.connect(token=OTHER, base_url=server.url) as second:
            assert len(second.actions(refresh=False)) == 5
            assert first.history.path == second.history.path

    assert second.history.path.is_relative_to(data_home)


def test_two_accounts_never_mix(tmp_path):
    """Two accounts have two files, and a file that is named for both is refused by the second."""
    with serve(an_account(100), speed=0) as mine, serve(an_account(900), speed=0) as yours:
        with (
            da.connect(token=mine.token, base_url=mine.url) as first,
            da.connect(token=yours.token, base_url=yours.url) as second,
        ):
            first.refresh()
            second.refresh()
            assert first.history.path != second.history.path
            assert set(first.actions(refresh=False)["id"]).isdisjoint(second.actions(refresh=False)["id"])
        with da.connect(token=mine.token, base_url=mine.url, history=tmp_path / "named.duckdb") as first:
            first.refresh()
        with (
            da.connect(token=yours.token, base_url=yours.url, history=tmp_path / "named.duckdb") as second,
            pytest.raises(WrongAccount),
        ):
            second.refresh()


@pytest.mark.parametrize("named", [None, "named.duckdb"])
def test_without_the_scope_an_account_is_known_by_its_actions(named, tmp_path):
    """A token that may not ask for its account finds the history that has its actions, and no other one."""
    path = named and tmp_path / named
    world = an_account(100)
    with serve(world, speed=0) as server, serve(an_account(900), speed=0) as foreign:
        with da.connect(token=DEMO_TOKEN, base_url=server.url, history=path) as first:
            first.refresh()
        for running in (server, foreign):
            running.world.tokens[OTHER] = frozenset({"actions:read"})
        with da.connect(token=OTHER, base_url=server.url, history=path) as second:
            assert second.history.path == first.history.path
            assert len(second.actions(refresh=False)) == 5
        if named is None:
            with da.connect(token=OTHER, base_url=foreign.url) as third:
                assert third.history.path != first.history.path


def test_a_known_account_needs_no_request_to_be_read():
    """What was read before can be looked at without a network."""
    with serve(an_account(100), speed=0) as server, da.connect(token=DEMO_TOKEN, base_url=server.url) as account:
        account.refresh()

    with da.connect(token=DEMO_TOKEN, base_url=server.url) as offline:
        assert len(offline.actions(refresh=False)) == 5
        assert offline.proof.complete


def test_the_token_is_in_no_file(data_home):
    """Neither the history nor the list of accounts has the token."""
    with serve(an_account(100), speed=0) as server, da.connect(token=DEMO_TOKEN, base_url=server.url) as account:
        account.refresh()

    files = [path for path in data_home.rglob("*") if path.is_file()]
    assert len(files) >= 2
    assert not [path for path in files if DEMO_TOKEN.encode() in path.read_bytes()]


def test_a_damaged_list_of_accounts_is_asked_for_again(data_home):
    """What is only remembered can be lost without harm."""
    with reading(an_account(100)) as client:
        path = open_history(client, None).path
        (path.parent / "accounts.json").write_text("{")

        assert open_history(client, None).path == path

    assert len(json.loads((path.parent / "accounts.json").read_text())) == 1
