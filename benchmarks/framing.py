"""From the bytes of every page to the frame, without the network in between."""

from __future__ import annotations

import json
import time
from functools import cache
from typing import TYPE_CHECKING, TypeVar, cast

import pandas as pd
from measuring import Finding, at_least, in_turns, seconds

from doaudit.actions import to_frame
from doaudit.api.paging import PER_PAGE, read_actions
from doaudit.api.responses import Response
from doaudit.demo import company_world
from doaudit.demo.http.server import app
from doaudit.demo.world.tokens import DEMO_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from doaudit.api.client import Client

__all__ = ["measure", "recorded_pages", "to_actions"]

T = TypeVar("T")


@cache
def recorded_pages() -> dict[int, Response]:
    """Every page of the simulated account as it would come over the wire, by its number."""
    world = company_world()
    world.log.tie_shuffle = 0.0  # what is recorded once has to add up
    world.clock.follow(time.monotonic, 0)  # and nothing may finish meanwhile
    client = app(world).test_client()
    pages: dict[int, Response] = {}
    for number in range(1, -(-len(world.log) // PER_PAGE) + 1):
        response = client.get(
            f"/v2/actions?page={number}&per_page={PER_PAGE}", headers={"Authorization": f"Bearer {DEMO_TOKEN}"}
        )
        headers = {name.lower(): value for name, value in response.headers.items()}
        pages[number] = Response(response.status_code, headers, response.data, int(world.now))
    return pages


class _Recorded:
    """Answers from memory; stands where the client stands."""

    def __init__(self, pages: Mapping[int, Response]) -> None:
        self._pages = pages

    def get(self, path: str, params: Mapping[str, int], *, parse: Callable[[Response], T], **_: object) -> T:
        """What *parse* makes of the page asked for."""
        del path
        return parse(self._pages[params["page"]])


def to_actions(pages: Mapping[int, Response]) -> pd.DataFrame:
    """The frame, by way of the same reading, checking and framing that a fetch goes through."""
    listing = read_actions(cast("Client", _Recorded(pages)))
    if not listing.proof.complete:
        raise RuntimeError(f"The recorded pages do not add up: {listing.proof}")
    return to_frame(listing.records, listing.observed_at)


def _normalized(pages: Mapping[int, Response]) -> pd.DataFrame:
    frames = [pd.json_normalize(json.loads(page.body)["actions"]) for page in pages.values()]
    actions = pd.concat(frames, ignore_index=True)
    for name in ("started_at", "completed_at"):
        actions[name] = pd.to_datetime(actions[name], format="ISO8601", utc=True)
    return actions


def measure(*, quick: bool) -> Iterator[Finding]:
    """Actions a second, against json and json_normalize with both times parsed."""
    pages = recorded_pages()
    megabytes = sum(len(page.body) for page in pages.values()) / 1e6
    ours_s, theirs_s, actions = in_turns(1 if quick else 5, lambda: to_actions(pages), lambda: _normalized(pages))
    speed = len(actions) / ours_s
    yield Finding(
        f"decode and frame {len(actions):,} actions ({len(pages)} pages, {megabytes:.0f} MB)",
        f"{speed:,.0f} actions/s",
        f"json + json_normalize {len(actions) / theirs_s:,.0f} actions/s ({seconds(theirs_s)})",
        f"{theirs_s / ours_s:.1f} x faster",
        *at_least(speed, 100_000, "actions/s"),
    )
