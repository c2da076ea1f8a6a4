"""A droplet against a simple model of one, over random sequences of events and waits."""

from __future__ import annotations

import pytest
from examples import examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from doaudit.demo import World
from doaudit.demo.world.api_errors import ErrorResponse
from doaudit.demo.world.records import Droplet

LONGEST_GUEST_S, LONGEST_LAG_S = 8, 5


class DropletMachine(RuleBasedStateMachine):
    """The rules of a droplet: one event at a time, the right errors, and a status that is shown in the end."""

    def __init__(self):
        super().__init__()
        self.world = World(droplets=[Droplet(1, "web-01")])
        self.on, self.action, self.taken, self.settled_at = True, None, 0, 0.0

    @property
    def busy(self):
        """True while its newest action is running."""
        return self.action is not None and self.world.now < self.action.ends_at

    @rule(type_=st.sampled_from(["power_on", "power_off", "reboot", "snapshot", "enable_ipv6", "paint"]))
    def act(self, type_):
        """Request an event, which is rejected exactly where the model says so."""
        rejected = (
            self.busy
            or type_ == "paint"
            or (type_ == "power_on" and self.on and not self.world.power_on_twice)
            or (type_ == "power_off" and not self.on)
            or (type_ == "enable_ipv6" and self.on)
        )

        if rejected:
            with pytest.raises(ErrorResponse) as rejection:
                self.world.act_on_droplet(1, {"type": type_})
            assert rejection.value.status == 422
            assert ("pending event" in rejection.value.message) == self.busy
            return

        self.action = action = self.world.act_on_droplet(1, {"type": type_})
        self.taken += type_ == "snapshot"
        if type_ in {"power_on", "power_off"}:
            self.on = type_ == "power_on"
        self.settled_at = action.ends_at + LONGEST_GUEST_S + LONGEST_LAG_S

    @rule(accepted=st.booleans())
    def switch(self, accepted):
        """Let a power-on of a droplet that is on be accepted or rejected from now on."""
        self.world.power_on_twice = accepted

    @rule(seconds=st.floats(0, 120))
    def wait(self, seconds):
        """Move the clock forward."""
        self.world.advance(seconds)

    @invariant()
    def at_most_one_action_runs_and_it_is_the_newest(self):
        """There is never more than one pending event."""
        rows = self.world.actions_of(self.world.droplet(1))
        running = [row for row in rows if row.status(self.world.now) == "in-progress"]
        assert running == ([self.action] if self.busy else [])

    @invariant()
    def the_final_state_is_shown(self):
        """When all lags are over, the account shows the effects of the actions."""
        if self.world.now >= self.settled_at:
            shown = self.world.droplet(1).get("status", self.world.now)
            assert shown == ("active" if self.on else "off")
            assert len(self.world.listed_images(1)) == self.taken

    @invariant()
    def no_snapshot_is_shown_that_was_not_taken(self):
        """There are never more images than snapshots taken."""
        assert len(self.world.listed_images(1)) <= self.taken


TestDropletMachine = DropletMachine.TestCase
TestDropletMachine.settings = examples(60, stateful_step_count=25)
