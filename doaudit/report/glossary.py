"""Words of a report, each in one sentence, for those who have never seen one."""

from __future__ import annotations

__all__ = ["WORDS"]

WORDS: tuple[tuple[str, str], ...] = (
    ("action", "DigitalOcean's record of one event: what was done, to what, when it started and when it ended."),
    ("resource", "What an action was done to: a droplet, an image, a volume or a reserved IP."),
    ("open", "Not ended when it was last read."),
    ("slow", "Older than 99 % of the actions that it is compared with were when they ended."),
    ("stuck", "Open for more than three times as long as 99 % of the actions that it is compared with took."),
    ("finished", "Completed or errored. Failure rates are shares of these."),
    ("errored, failed", "Ended without success. The API gives no reason."),
    ("interval", "The range in which the true value lies 95 times in 100; wider where failures come in bursts."),
    ("p50, p90, p99", "Half of the completed actions took up to p50, 90 % up to p90, 99 % up to p99."),
    ("q", "The share of false alarms to be expected among all rows with a q as small as this one."),
    ("incident", "A day or more on which far more actions failed than usual."),
    ("change", "A duration or failure rate that has been different since some day, by more than chance."),
    ("off", "Powered off. A droplet that is off is billed all the same."),
    ("backup", "A snapshot or backup that was taken, which does not say that it still exists."),
    (
        "complete",
        "As many distinct actions are in hand as the API reports, and none has left its list while it was read.",
    ),
    ("selection", "A part of the actions, chosen by conditions that the report names."),
)
"""Each word with its meaning."""
