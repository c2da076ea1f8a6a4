"""The explorer as Python sees it: what it selects, what it sends, what it leaves behind."""

from __future__ import annotations

import json
import time
import warnings

import pandas as pd
import pytest
from built_frames import build
from examples import examples
from hypothesis import given
from selections import CHOSEN, makes_sense, odd_actions, quietly

import doaudit as da
from doaudit.demo import DEMO_TOKEN
from doaudit.errors import InvalidArgument
from doaudit.widgets import Explorer

PATIENCE_S = 60


@pytest.fixture(scope="module")
def actions():
    """Forty odd actions."""
    return odd_actions(build)


class Page:
    """What a browser would hear of an explorer, and what it asks."""

    def __init__(self, explorer):
        self.explorer, self.heard, self.asked = explorer, [], 0
        explorer.send = lambda content, buffers=None: self.heard.append((json.loads(json.dumps(content)), buffers))

    def ask(self, kind, **question):
        """Ask, and return what is heard of it."""
        self.asked += 1
        self.explorer._receive(None, {"kind": kind, "view": "v", "number": self.asked, **question}, [])
        return [content for content, _ in self.heard if content.get("number") == self.asked][-1]

    def wait_for(self, kind):
        """Wait until what was found is heard."""
        for _ in range(PATIENCE_S * 100):
            heard = [content for content, _ in list(self.heard) if content["kind"] == kind]
            if heard and heard[-1].get("found") is not None:
                return heard[-1]
            time.sleep(0.01)
        return pytest.fail(f"Nothing of the kind {kind} was heard.")


@pytest.fixture
def page(actions):
    """A page that shows an explorer."""
    return Page(Explorer(actions))


@examples(200, quick=20)
@given(chosen=CHOSEN.filter(makes_sense))
def test_both_ways_to_select_agree(actions, chosen):
    """Chosen in the browser or from Python, the actions, the selection and the line of code are those of `select`."""
    page, by_hand, wanted = Page(Explorer(actions)), Explorer(actions), quietly(actions, **chosen)

    page.ask("look", selection=json.loads(json.dumps(chosen)))
    by_hand.select(**chosen)

    for explorer in (page.explorer, by_hand):
        names = {"da": da, "actions": actions}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            made = eval(explorer.code, names)  # noqa: S307 -- the line that is shown
        pd.testing.assert_frame_equal(explorer.actions, wanted)
        pd.testing.assert_frame_equal(made, wanted)
        assert explorer.selection == da.Selection(**chosen)


def test_every_view_hears_of_a_new_selection(page):
    """What one view or Python chooses is sent to all; the one who asked gets its own number back."""
    seen = page.ask("look", selection={"type": ["resize"]})
    page.explorer.select(type="snapshot")
    told = page.heard[-1][0]

    assert (seen["view"], seen["selected"], seen["selection"]) == ("v", 8, {"type": ["resize"]})
    assert (told["kind"], told["view"], told["selection"]) == ("look", None, {"type": ["snapshot"]})
    assert told["code"] == page.explorer.code == 'da.select(actions, type=["snapshot"])'
    assert page.ask("look")["is_current"] is True


def test_a_chosen_resource_is_named(actions):
    """What is chosen is shown by its name, where it has one."""
    named = actions[["resource", "resource_name"]].dropna().astype(str).iloc[0]
    page = Page(Explorer(actions))

    seen = page.ask("look", selection={"resource": [named["resource"], "droplet:none", None]})

    assert seen["names"] == {named["resource"]: named["resource_name"]}


def test_findings_are_asked_for_apart(actions):
    """They are an answer of their own, which says whose they are, looked for only where somebody asks for them."""
    explorer = Explorer(actions)
    page = Page(explorer)
    explorer.select(type="resize")
    assert page.heard == []

    page.ask("look", selection={"type": ["snapshot"]})
    assert [content["kind"] for content, _ in page.heard] == ["look"]
    page.ask("findings")

    told = page.wait_for("findings")
    assert told["found"]
    assert told["code"] == explorer.code == 'da.select(actions, type=["snapshot"])'


@pytest.mark.parametrize(
    "question",
    [
        {"kind": "sql", "query": "DROP TABLE actions"},
        {"kind": "look", "selection": {"since": "nonsense"}},
        {"kind": "look", "selection": {"account": ["acme"]}},
        {"kind": "rows", "sort": "account"},
        {"kind": "csv", "path": "/etc/passwd"},
    ],
)
def test_a_bad_question_gets_a_fault_and_changes_nothing(page, question):
    """A fault says what is wrong, to the view that asked; what was selected stays selected."""
    page.ask("look", selection={"type": ["resize"]})

    fault = page.ask(**question)

    assert fault["kind"] == "fault"
    assert fault["of"] == question["kind"]
    assert fault["view"] == "v"
    assert page.explorer.selection == da.Selection(type="resize")


@pytest.mark.parametrize("content", [None, [], "look", 7, {"view": {"a": 1}, "number": []}])
def test_a_message_that_is_no_question_is_answered(page, content):
    """Whatever arrives, a fault is the answer, without anything of the message but what is text or a number."""
    page.explorer._receive(None, content, [])

    assert page.heard[-1][0]["kind"] == "fault"
    assert page.heard[-1][0].keys() <= {"kind", "of", "text", "view", "number"}


def test_a_lost_place_in_the_rows_is_no_fault(page):
    """Rows behind the last are none."""
    answer = page.ask("rows", offset=10_000, limit=100)

    assert answer["rows"] == []


def test_csv_says_of_which_selection_it_is(page):
    """Pieces of different selections have different keys, so that a view never joins them."""
    page.ask("look", selection={"type": ["resize"]})
    one = page.ask("csv", offset=0)
    page.explorer.select(type="snapshot")
    other = page.ask("csv", offset=0)

    assert (one["rows"], one["selected"]) == (8, 8)
    assert one["key"] != other["key"]
    assert page.heard[-1][1][0].startswith(b"id,type,status,")


def test_each_piece_of_csv_says_how_many_rows_it_has():
    """A page asks for the piece after those that it has: 50,000 rows, then the rest, then nothing."""
    with da.demo(actions=52_292) as account:
        page = Page(Explorer(account.actions()))

    pieces = [page.ask("csv", offset=offset) for offset in (0, 50_000, 52_292, 60_000)]

    assert [piece["rows"] for piece in pieces] == [50_000, 2_292, 0, 0]
    assert {piece["selected"] for piece in pieces} == {52_292}


def test_zooming_shows_the_window_and_ends_with_it(page):
    """Zoomed in, the bins are those of the window, also when it moves; without a window everything is there again."""
    window = {"since": "2026-03-03", "until": "2026-03-05"}
    whole = page.ask("look", selection={})["timeline"]

    closer = page.ask("look", selection=window, zoom=True)["timeline"]
    with_type = page.ask("look", selection={**window, "type": ["resize"]})["timeline"]
    narrower = page.ask("look", selection={**window, "since": "2026-03-04"})["timeline"]
    half_open = page.ask("look", selection={"since": "2026-03-04"}, zoom=True)["timeline"]
    back = page.ask("look", zoom=False)["timeline"]
    page.ask("look", zoom=True)
    cleared = page.ask("look", selection={})["timeline"]

    assert [each["is_zoomed"] for each in (whole, closer, with_type, narrower, half_open, back, cleared)] == [
        False, True, True, True, True, False, False,
    ]  # fmt: skip
    assert closer["width_s"] < whole["width_s"]
    places = [(each["first_s"], each["width_s"], len(each["bins"])) for each in (closer, with_type, narrower)]
    assert places[0] == places[1] == places[2]
    assert half_open["first_s"] >= pd.Timestamp("2026-03-04", tz="UTC").timestamp()
    assert back == cleared == whole


def test_a_resource_is_that_of_its_account(actions):
    """Two accounts may have a resource of one key; the timeline is that of the account in whose row it was."""
    both = pd.concat([actions.assign(account="acme"), actions.head(20).assign(account="globex")], ignore_index=True)
    key = str(actions["resource"].dropna().iloc[0])
    page = Page(Explorer(both))

    totals = [page.ask("resource", resource=key, account=each)["total"] for each in ("acme", "globex", None)]

    wanted = [int((part["resource"] == key).sum()) for part in (actions, actions.head(20), both)]
    assert totals == wanted
    assert len(set(wanted)) == 3


def test_an_account_is_read_first():
    """An account's actions are refreshed, and its droplets asked for; the panel then asks nothing more."""
    with da.demo(seed=3, actions=400) as account:
        explorer = Explorer(account)
        sent = len(account._server.world.requests)
        page = Page(explorer)
        page.ask("findings")

        assert len(explorer.actions) == 400
        assert any(kind == "no backup" for _, kind, _ in page.wait_for("findings")["found"])
        assert len(account._server.world.requests) == sent


def test_droplets_that_may_not_be_read_are_done_without():
    """A token that may read actions only is enough to explore."""
    with da.demo(seed=3, actions=400) as account:
        account._server.world.tokens[DEMO_TOKEN] = frozenset({"actions:read", "account:read"})

        assert len(Explorer(account).actions) == 400


def test_a_wrong_source_is_refused():
    """What is neither an account nor a frame is refused with what to give."""
    for source in (7, "actions", None):
        with pytest.raises(InvalidArgument, match="An explorer takes"):
            Explorer(source)


def test_the_report_is_of_the_selection(actions, tmp_path):
    """The report has the selected rows, and the line that is shown writes the same one."""
    explorer = Explorer(actions)
    page = Page(explorer)
    seen = page.ask("look", selection={"type": ["resize"], "until": "2026-03-20"})

    made = explorer.report(tmp_path / "one")
    line = seen["report_code"].replace('"report"', repr(str(tmp_path / "two")))
    again = eval(line, {"da": da, "actions": actions})  # noqa: S307 -- the line that is shown

    assert da.read_csv(made.folder / "actions.csv")["id"].tolist() == explorer.actions["id"].tolist()
    assert made.sha256 == again.sha256


def test_the_static_part_says_what_was_seen(page):
    """Without a kernel the counts, the line of code and small tables are there to read, as text and as safe HTML."""
    page.explorer.select(type="resize", region=["ams3", None])
    bundle = page.explorer._repr_mimebundle_()

    for shown in (bundle["text/plain"], bundle["text/html"].replace("&quot;", '"')):
        assert "no longer live" in shown
        assert 'da.select(actions, type=["resize"], region=["ams3", None])' in shown
        assert f"{len(page.explorer.actions)} of 40 actions" in shown
    assert bundle["text/html"].count("<table>") >= 2
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == page.explorer.model_id


def test_hostile_names_are_escaped_in_the_static_part():
    """A type that looks like a script is text there."""
    name = "<script>alert(1)</script>"
    explorer = Explorer(build(type=[name], region=[name]))
    explorer.select(type=name)

    assert "<script" not in explorer._repr_mimebundle_()["text/html"]
    assert "&lt;script&gt;" in explorer._repr_mimebundle_()["text/html"]


def test_little_is_kept_in_the_notebook(actions):
    """The widget's state has no row of the actions, and is small."""
    explorer = Explorer(actions)
    explorer.select(resource="web-*")
    state = json.dumps(explorer.get_state(), default=str)

    assert len(state) < 150_000
    assert "web-01" not in state
    assert "droplet:1" not in state
