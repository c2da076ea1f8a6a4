"""A snapshot workflow over real HTTP: its usual course, and each thing that can go wrong alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from staged import DROPLET, world_of

from doaudit.demo import DEMO_TOKEN, Fault
from doaudit.demo.world.records import Image
from doaudit.errors import FileProblem, InvalidArgument, NotFound, NotPossible
from doaudit.expected_duration import ExpectedDuration
from doaudit.snapshot.journal import Journal, load
from doaudit.snapshot.machine import step
from doaudit.snapshot.messages import DropletRead
from doaudit.snapshot.run import Moment, Run, Submission


def test_the_usual_course(scene):
    """The droplet shuts down, is snapshotted and is on again; the run names the snapshot that the account has."""
    ended = scene.snapshot()

    assert (ended.phase, ended.ok, ended.power_is_as_before, scene.power) == ("done", True, True, "active")
    [image] = scene.world.images.values()
    assert (ended.snapshot_id, image.name) == (str(image.id), "before the upgrade")
    assert [submission.type for submission in ended.submissions] == ["shutdown", "snapshot", "power_on"]
    assert {step.name: step.status for step in ended.steps} == {
        "prepare": "done",
        "shut down": "done",
        "power off": "skipped",
        "snapshot": "done",
        "find snapshot": "done",
        "power on": "done",
    }
    assert [step.action_id for step in ended.steps if step.action_id] == list(ended.action_ids)


def test_the_token_is_in_no_journal(scene):
    """A journal tells everything but the token, also where DigitalOcean's answers were odd."""
    plan = scene.plan()
    scene.world.faults.add(Fault("captive_portal", method="POST"), Fault("server_error", method="GET", times=7))

    scene.drive(plan)

    [path] = scene.journals
    assert DEMO_TOKEN.encode() not in path.read_bytes()
    assert b"shutdown" in path.read_bytes()


def test_every_state_has_a_sentence_and_phases_come_in_order(scene):
    """A run has a sentence at every moment, and goes through the phases once."""
    scene.snapshot()

    phases = list(dict.fromkeys(state.phase for state in scene.states))
    assert all(state.sentence for state in scene.states)
    assert phases == [
        "waiting for another action",
        "shutting down",
        "confirming off",
        "snapshotting",
        "confirming snapshot",
        "powering on",
        "confirming on",
        "done",
    ]


def test_planning_changes_nothing(scene):
    """A plan tells the steps and their times before anything is asked for."""
    plan = scene.plan(expected={"snapshot": ExpectedDuration(240, 420, 900)})

    assert scene.posts() == []
    assert (plan.phase, plan.was_on, plan.ended) == ("planned", True, False)
    assert plan.sentence == "The droplet will be off for about 4 min 8 s, 9 of 10 within 7 min 20 s."
    assert [step.status for step in plan.steps] == ["waiting"] * 6


def test_a_droplet_that_is_off_stays_off(stage):
    """Nobody switches on what was off."""
    scene = stage.set(world_of("off"))

    ended = scene.snapshot()

    assert (ended.ok, scene.power, len(scene.posts())) == (True, "off", 1)


def test_a_live_snapshot_leaves_the_power_alone(scene):
    """One request, and the droplet never goes off."""
    ended = scene.snapshot(live=True)

    assert (ended.ok, scene.power, len(scene.posts())) == (True, "active", 1)
    assert ended.power == "untouched"


def test_a_guest_that_ignores_the_shutdown_is_switched_off_after_the_grace(scene):
    """A shutdown that completed does not mean off: after 90 seconds the power goes."""
    scene.world.faults.add(Fault("without_effect", type="shutdown"))

    ended = scene.snapshot()

    shutdown, power_off = ended.submissions[:2]
    assert (power_off.type, ended.ok) == ("power_off", True)
    assert 90 <= (power_off.sent_at - shutdown.sent_at).total_seconds() < 100


@pytest.mark.parametrize("kind", ["errored", "stuck", "without_effect"])
def test_a_snapshot_that_fails_leaves_the_droplet_on(scene, kind):
    """A run that fails after the droplet went off ends only after the droplet is on again, if that is possible."""
    scene.world.faults.add(Fault(kind, type="snapshot"))

    ended = scene.snapshot()

    assert (ended.phase, ended.snapshot_id) == ("failed", None)
    assert len(scene.taken) == 1
    if kind == "stuck":
        # DigitalOcean lets nothing else be done to the droplet while the snapshot runs.
        assert (ended.power_is_as_before, scene.power) == (False, "off")
        assert "IS SWITCHED OFF" in ended.sentence
        assert "may still be completed" in ended.error
        assert f"action {scene.taken[0].id}" in ended.sentence
    else:
        assert (ended.power_is_as_before, scene.power) == (True, "active")


def test_a_timeout_is_not_before_an_hour_and_three_times_the_p99(stage):
    """A snapshot is called overdue by the account's own history."""
    scene = stage.set(world_of(snapshot_s=7000))

    early = scene.snapshot(expected={"snapshot": ExpectedDuration(200, 500, 1500)}, live=True)

    assert early.phase == "failed"
    assert 4500 <= (early.ended_at - early.submissions[-1].sent_at).total_seconds() < 4600
    patient = stage.set(world_of(snapshot_s=7000)).snapshot(
        expected={"snapshot": ExpectedDuration(5000, 7000, 8000)}, live=True
    )
    assert patient.ok


@pytest.mark.parametrize(
    "kind", ["server_error", "bad_gateway", "dropped", "dropped_after", "truncated", "invalid_json"]
)
def test_a_snapshot_without_an_answer_is_asked_for_once(scene, kind):
    """After a lost answer the action is looked for; if it is there it is adopted, if not the outcome is unknown."""
    scene.world.faults.add(Fault(kind, method="POST"))

    ended = scene.snapshot(live=True)

    assert len(scene.posts()) == 1
    if kind in {"dropped_after", "truncated", "invalid_json"}:
        assert ended.ok
        assert [action.id for action in scene.taken] == list(ended.action_ids)
    else:
        assert ended.phase == "failed"
        assert "not known whether the snapshot was started" in ended.error
        assert f"droplets/{DROPLET}/history" in ended.sentence


@pytest.mark.parametrize("kind", ["burst_limit", "not_found"])
def test_a_snapshot_that_was_certainly_not_started_is_asked_for_again(scene, kind):
    """A 429 or a passing 404 carries nothing out, so the request is made later, and one snapshot comes of it."""
    scene.world.faults.add(Fault(kind, method="POST", times=2, seconds=30))

    ended = scene.snapshot(live=True)

    assert (ended.ok, len(scene.posts()), len(scene.taken)) == (True, 3, 1)


def test_another_action_is_waited_for_and_named(scene):
    """One thing at a time: what is in the way is named, and the run begins when it has ended."""
    scene.world.faults.add(Fault("slow_event", type="reboot", seconds=300))
    reboot = scene.world.act_on_droplet(DROPLET, {"type": "reboot"})

    ended = scene.snapshot()

    assert ended.ok
    assert any("reboot" in state.sentence and str(reboot.id) in state.sentence for state in scene.states)
    assert ended.submissions[0].sent_at.timestamp() >= reboot.ends_at


def test_an_event_that_comes_in_between_is_waited_for(scene):
    """A pending event that begins after the look is met as a 422, and nothing is lost by it."""
    scene.later(20, lambda: _reboot(scene))

    ended = scene.snapshot()

    assert (ended.ok, len(scene.taken), scene.power) == (True, 1, "active")


def _reboot(scene):
    from doaudit.demo.world.api_errors import ErrorResponse  # noqa: PLC0415

    try:
        scene.world.act_on_droplet(DROPLET, {"type": "reboot"})
    except ErrorResponse:
        scene.later(1, lambda: _reboot(scene))


@pytest.mark.parametrize("after_s", [0.5, 3, 8, 20, 40, 80])
def test_cancel_restores_the_power(scene, after_s):
    """Whenever it comes, a cancel ends with the droplet as it was, and says what was made or still runs."""
    scene.later(after_s, scene.stop.set)

    ended = scene.snapshot()

    assert ended.phase in {"cancelled", "done"}
    assert (ended.power_is_as_before, scene.power) == (True, "active")
    if ended.phase == "cancelled" and scene.taken:
        assert f"action {scene.taken[0].id}" in ended.sentence


def _ctrl_c():
    raise KeyboardInterrupt


@pytest.mark.parametrize("after_s", [1, 5, 30])
def test_ctrl_c_restores_the_power(scene, after_s):
    """The first Ctrl-C is a cancel: the droplet is on before the call comes back."""
    scene.later(after_s, _ctrl_c)

    ended = scene.snapshot()

    assert (ended.phase, ended.power_is_as_before, scene.power) == ("cancelled", True, "active")


def test_a_second_ctrl_c_leaves_a_run_that_can_be_resumed(scene):
    """Who insists gets out at once; the journal knows what is owed."""
    scene.later(30, _ctrl_c)
    scene.later(33, _ctrl_c)

    with pytest.raises(KeyboardInterrupt):
        scene.snapshot()

    [left] = scene.left
    assert scene.drive(left).power_is_as_before
    assert scene.power == "active"


def test_cancel_of_a_live_snapshot_says_what_still_runs(stage):
    """Nothing can stop a snapshot at DigitalOcean; the run says so and leaves at once."""
    scene = stage.set(world_of(snapshot_s=2400))
    scene.later(60, scene.stop.set)

    ended = scene.snapshot(live=True)

    assert ended.phase == "cancelled"
    assert f"action {scene.taken[0].id}, still runs" in ended.sentence
    assert (ended.ended_at - ended.created_at).total_seconds() < 70


def test_a_power_on_that_does_not_work_is_tried_again(scene):
    """A droplet that was on is not given up after one error."""
    scene.world.faults.add(Fault("errored", type="power_on", times=2))

    ended = scene.snapshot()

    assert (ended.ok, scene.power) == (True, "active")
    assert [submission.type for submission in ended.submissions].count("power_on") == 3


def test_a_droplet_left_off_is_said_loudly_and_can_be_resumed(scene):
    """A run that cannot switch the droplet on has failed although the snapshot exists; resuming switches it on."""
    scene.world.faults.add(Fault("errored", type="power_on", times=3))

    ended = scene.snapshot()

    assert (ended.phase, ended.power_is_as_before, scene.power) == ("failed", False, "off")
    assert ended.snapshot_id is not None
    assert "IS SWITCHED OFF" in ended.sentence
    assert "account.resume()" in ended.sentence
    [left] = scene.left
    again = scene.drive(left)
    assert (again.power_is_as_before, scene.power, len(scene.taken)) == (True, "active", 1)
    assert scene.left == []


def test_resuming_when_all_is_well_does_nothing(scene):
    """A finished run that owes nothing asks for nothing."""
    ended = scene.snapshot()
    asked = len(scene.world.requests)

    with pytest.raises(NotPossible, match=r"is over.*Done"):
        scene.drive(ended)
    assert len(scene.world.requests) == asked


def test_the_journal_is_written_before_each_request(scene, monkeypatch):
    """A request that reaches DigitalOcean is on the disk already."""
    del monkeypatch
    found = []
    answer = scene.world.act_on_droplet

    def look(droplet_id, body):
        [path] = scene.journals
        run = load(scene.folders.readable, path.stem)
        found.append((run.submission.type, run.submission.state) == (body["type"], "sending"))
        return answer(droplet_id, body)

    scene.world.act_on_droplet = look
    scene.snapshot()

    assert found == [True] * 3


def test_a_run_is_driven_once(scene):
    """A run that one notebook drives is neither listed as unfinished nor resumed by another."""
    planned = scene.plan()

    with Journal(scene.folders.journals, planned.id) as journal, scene.folders.droplet_locked(DROPLET):
        journal.write(scene.now, "begun", planned)

        assert scene.left == []
        with pytest.raises(NotPossible, match="driven already"):
            scene.drive(planned)

    assert [run.id for run in scene.left] == [planned.id]


def test_a_half_written_last_line_is_passed_over(scene):
    """A journal that a lost machine left torn tells the last whole state, and can be written on."""
    ended = scene.snapshot()
    [path] = scene.journals
    torn = path.read_bytes()[:-40]
    path.write_bytes(torn)

    known = load(scene.folders.readable, ended.id)
    assert known.id == ended.id
    assert known.phase == "confirming on"
    assert scene.drive(known).ok
    assert load(scene.folders.readable, ended.id).ok


def test_no_journal_no_request(scene):
    """Nothing is begun if the journal cannot be written."""
    planned = scene.plan()
    scene.root.joinpath("file").write_text("")
    scene.folders = replace(scene.folders, journals=scene.root / "file" / "runs")

    with pytest.raises(FileProblem, match="nothing that changes the account is asked for"):
        scene.drive(planned)

    assert scene.posts() == []


def test_a_droplet_that_cannot_be_worked_on_is_refused(stage):
    """A missing, a locked and a half-made droplet are refused before anything is planned."""
    locked = world_of()
    locked.droplets[DROPLET].locked = True

    with pytest.raises(NotPossible, match="locked"):
        stage.set(locked).plan()
    with pytest.raises(NotPossible, match="'new'"):
        stage.set(world_of("new")).plan()
    with pytest.raises(InvalidArgument, match="name"):
        stage.set(world_of()).plan("   ")
    gone = world_of()
    del gone.droplets[DROPLET]
    with pytest.raises(NotFound):
        stage.set(gone).plan()


def test_a_name_that_is_taken_is_noted_and_the_new_one_is_found(stage):
    """Two snapshots may share a name; the run finds its own."""
    old = Image(226_000_001, "before the upgrade", 1_700_000_000, droplet_id=DROPLET)
    scene = stage.set(world_of(images=[old]))
    plan = scene.plan()

    ended = scene.drive(plan)

    assert "already" in plan.notes[0]
    assert ended.ok
    assert ended.snapshot_id != str(old.id)


def test_what_was_off_when_planned_is_not_shut_down(stage):
    """A plan that agreed to no shutdown does none, even if the droplet was switched on since."""
    scene = stage.set(world_of("off"))
    plan = scene.plan()
    scene.world.droplets[DROPLET].change(scene.world.now, status="active")

    ended = scene.drive(plan)

    assert ended.phase == "failed"
    assert scene.posts() == []
    assert "Plan it again" in ended.error


def test_a_snapshot_of_forty_minutes_costs_few_requests(stage):
    """Looks come mostly when the end is due: far fewer than every five seconds, and the end is noticed soon."""
    scene = stage.set(world_of(snapshot_s=2400, seed=3))

    ended = scene.snapshot(expected={"snapshot": ExpectedDuration(2400, 2900, 3600)}, live=True)

    late = ended.submissions[-1].ended_at
    noticed = next(line.at for line in ended.log if "has ended" in line.text)
    assert len(scene.world.requests) < 2400 / 5 / 4
    assert (noticed - late).total_seconds() <= 60


def test_a_revoked_token_ends_the_run_with_a_loud_statement(scene):
    """A run that can do nothing any more ends within minutes, and says how the droplet may be."""
    scene.later(20, lambda: scene.world.faults.add(Fault("unauthorized", times=None)))

    ended = scene.snapshot()

    assert (ended.phase, ended.power_is_as_before, scene.power) == ("failed", False, "off")
    assert "IS SWITCHED OFF" in ended.sentence
    assert (ended.ended_at - ended.created_at).total_seconds() < 600


def test_a_destroyed_droplet_ends_the_run(scene):
    """A droplet that is gone is not waited for."""
    scene.later(20, lambda: setattr(scene.world.droplets[DROPLET], "destroyed_at", scene.world.now))

    ended = scene.snapshot()

    assert (ended.phase, ended.droplet_gone) == ("failed", True)
    assert scene.left == []


@pytest.mark.parametrize(("seconds", "over"), [(2, False), (10, False), (16, True)])
def test_a_status_just_after_the_power_went_is_not_believed(seconds, over):
    """A droplet's status lags: 'active' counts only once what was there before would no longer show."""
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    submissions = tuple(
        Submission(kind, now, now, state="completed", action_id=7) for kind in ("power_off", "power_on")
    )
    run = Run("r", 7, "web-01", "x", live=False, was_on=True, created_at=now, power="unknown", submissions=submissions)
    run = replace(run, phase="confirming on", phase_since_s=0.0, phase_deadline_s=300.0, ending="failed")

    after, command = step(run, DropletRead(Moment(now, float(seconds)), "active", now))

    assert (after.ended, command is None) == (over, over)
    assert after.power_is_as_before is (True if over else None)
