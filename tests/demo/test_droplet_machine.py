"""A droplet against a plain model of one, over whatever is done to it, in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from doaudit.demo import World
from doaudit.demo.world.api_errors import Refusal
from doaudit.demo.world.records import Droplet

LONGEST_GUEST_S, LONGEST_LAG_S = 8, 5


class DropletMachine(RuleBasedStateMachine):
    """What must hold: one event at a time, the right refusals, and a status that arrives in the end."""

    def __init__(self):
        super().__init__()
        self.world = World(droplets=[Droplet(1, "web-01")])
        self.on, self.action, self.taken, self.settled_at = True, None, 0, 0.0

    @property
    def busy(self):
        """Whether its newest action is still running."""
        return self.action is not None and self.world.now < self.action.ends_at

    @rule(type_=st.sampled_from(["power_on", "power_off", "reboot", "snapshot", "enable_ipv6", "paint"]))
    def act(self, type_):
        """Ask for an event, which is refused exactly where the model says so."""
        refused = (
            self.busy
            or type_ == "paint"
            or (type_ == "power_on" and self.on)
            or (type_ == "power_off" and not self.on)
            or (type_ == "enable_ipv6" and self.on)
        )

        if refused:
            with pytest.raises(Refusal) as refusal:
                self.world.act_on_droplet(1, {"type": type_})
            assert refusal.value.status == 422
            assert ("pending event" in refusal.value.message) == self.busy
            return

        self.action = action = self.world.act_on_droplet(1, {"type": type_})
        self.taken += type_ == "snapshot"
        if type_ in {"power_on", "power_off"}:
            self.on = type_ == "power_on"
        self.settled_at = action.ends_at + LONGEST_GUEST_S + LONGEST_LAG_S

    @rule(seconds=st.floats(0, 120))
    def wait(self, seconds):
        """Let time pass."""
        self.world.advance(seconds)

    @invariant()
    def at_most_one_action_runs_and_it_is_the_newest(self):
        """There is never more than one pending event."""
        rows = self.world.actions_of(self.world.droplet(1))
        running = [row for row in rows if row.status(self.world.now) == "in-progress"]
        assert running == ([self.action] if self.busy else [])

    @invariant()
    def what_is_shown_arrives_in_the_end(self):
        """When all lags are over, the account shows what was done."""
        if self.world.now >= self.settled_at:
            shown = self.world.droplet(1).get("status", self.world.now)
            assert shown == ("active" if self.on else "off")
            assert len(self.world.listed_images(1)) == self.taken

    @invariant()
    def no_snapshot_is_shown_that_was_not_taken(self):
        """No image appears out of nothing."""
        assert len(self.world.listed_images(1)) <= self.taken


TestDropletMachine = DropletMachine.TestCase
TestDropletMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
