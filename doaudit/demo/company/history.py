"""
Three years in the life of a company, made up from a seed.

Daily backups and snapshots, deploys in working hours, autoscaling waves, volume and IP moves; one regional incident,
one type that slowly gets slower, a handful of actions that never end, and every oddity the API is known for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from doaudit.demo.company.fleet import DAY_S, Fleet, acquire
from doaudit.demo.company.routine import DRIFTING, TYPES, Rows, code, incident, routine
from doaudit.demo.world.clock import START
from doaudit.demo.world.records import Action, Droplet, Image, ReservedIp, Volume
from doaudit.demo.world.world import World

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ACTIONS", "company_world"]

ACTIONS = 52_292
"""As many as the largest account that has been reported."""

_SPAN_S = 3 * 365 * DAY_S

# Seconds and the ids that actions had then: 2023-09, 2024-07, 2025-08, 2026-03, 2026-05, 2026-11.
_ID_SECONDS = (1_693_699_200, 1_721_779_200, 1_755_216_000, 1_773_273_600, 1_778_630_400, 1_795_435_200)
_IDS = (1_882_300_000, 2_215_400_000, 2_771_100_000, 3_087_500_000, 3_169_600_000, 3_330_000_000)

_TEXT_REGIONS = 25
_OLD_NAMES_UNTIL_S = 300 * DAY_S
_TIE_SHUFFLE = 0.1
_LISTED_LATER_S = 4

# Days ago, type, and the fleet's group: these never end.
_STUCK = (
    (41.3, "attach_volume", "volume"),
    (26.2, "snapshot", "quiet"),
    (17.8, "transfer", "image"),
    (9.1, "resize", "quiet"),
    (5.4, "detach_volume", "volume"),
    (3.2, "assign_ip", "ip"),
)
# Seconds ago, type, group, seconds still to go: these are simply under way.
_YOUNG = (
    (1_500, "backup", "busy", 900),
    (610, "snapshot", "busy", 240),
    (20, "reboot", "busy", 8),
    (4, "snapshot", "busy", 150),
)


def company_world(seed: int = 7, *, start: int = START, actions: int = ACTIONS) -> World:
    """
    Return the account of a company with three years of history, ending when the clock starts.

    Args:
        seed: The same seed gives the same account, byte for byte.
        start: Unix seconds at which the clock starts.
        actions: How many actions it has, exactly.

    Raises:
        ValueError: *actions* is more, or fewer, than the routine of three years can be cut to.

    Example:
        >>> world = company_world()
        >>> world.log.total(world.now)
        52292
    """
    random = np.random.default_rng(seed)
    begins = start - _SPAN_S
    fleet = acquire(random, begins, start)
    rows, facts = _rows(random, fleet, begins, start, actions)
    history = _actions(random, fleet, rows, facts, start)
    droplets = _droplets(fleet, history, start)
    return World(
        actions=history,
        droplets=droplets,
        images=_images(random, fleet, history, start),
        volumes=_volumes(fleet, droplets),
        reserved_ips=_reserved_ips(fleet, droplets, start),
        seed=seed,
        start=start,
        tie_shuffle=_TIE_SHUFFLE,
    )


def _rows(
    random: np.random.Generator, fleet: Fleet, begins: int, start: int, actions: int
) -> tuple[Rows, dict[str, NDArray[Any]]]:
    """
    Return exactly *actions* rows, oldest first, with what is special about each.

    The facts are columns beside the rows: `errs` (must fail), `slow` (how many times as long it takes) and `left_s`
    (seconds it still needs when the clock starts; -1 where nothing is said, infinite where it never ends).
    """
    ordinary = routine(random, fleet, begins, start)
    bad, failed = incident(random, fleet, start)
    bad_facts = np.arange(len(bad.at)) < failed
    open_ = Rows.join(_open_rows(random, fleet, start))
    extras = _extras(random, fleet, begins, start)

    # Nothing more happens to a resource whose last action never ended.
    stuck = dict(zip(open_.of[: len(_STUCK)].tolist(), open_.at[: len(_STUCK)].tolist(), strict=True))
    since = np.full(len(fleet.key), np.iinfo(np.int64).max)
    since[list(stuck)] = list(stuck.values())
    ordinary = ordinary.where(ordinary.at < since[ordinary.of])

    special = Rows.join([bad, open_, extras])
    ordinary = _cut(ordinary, actions - len(special.at))
    rows = Rows.join([ordinary, special])
    blank = len(ordinary.at)
    pad = (blank, len(open_.at) + len(extras.at))
    left_s = np.array([np.inf] * len(_STUCK) + [float(young[3]) for young in _YOUNG])
    facts = {
        "errs": np.pad(bad_facts, pad),
        "slow": np.pad(np.where(bad_facts, 4.0, 14.0), pad, constant_values=1.0),
        "left_s": np.pad(left_s, (blank + len(bad.at), len(extras.at)), constant_values=-1.0),
    }
    order = np.argsort(rows.at, kind="stable")
    return rows.where(order), {name: column[order] for name, column in facts.items()}


def _open_rows(random: np.random.Generator, fleet: Fleet, start: int) -> list[Rows]:
    """Return one row for each of `_STUCK` and `_YOUNG`, each on a resource of its own that still exists."""
    taken: set[int] = set()
    rows = []
    wanted = [(days * DAY_S, type_, group) for days, type_, group in _STUCK]
    wanted += [(float(ago_s), type_, group) for ago_s, type_, group, _ in _YOUNG]
    for ago_s, type_, group in wanted:
        members = fleet.groups[group]
        free = [row for row in members[fleet.died[members] > start].tolist() if row not in taken]
        row = free[0] if group == "quiet" else int(random.choice(free))
        taken.add(row)
        rows.append(Rows.build(np.array([start - round(ago_s)]), type_, np.array([row])))
    return rows


def _extras(random: np.random.Generator, fleet: Fleet, begins: int, start: int) -> Rows:
    """Return rows of a type nobody documents, and of droplets that were switched off and stayed off."""
    unknown = random.integers(begins, start - DAY_S, 3)
    off = fleet.groups["quiet"][1:]
    when = np.array([start - round(9.1 * DAY_S) - 75, start - 200 * DAY_S, start - 61 * DAY_S])
    return Rows.join(
        [
            Rows.build(unknown, "rotate_console_key", random.choice(fleet.groups["web"], 3)),
            Rows.build(when, "power_off", off),
        ]
    )


def _cut(rows: Rows, count: int) -> Rows:
    """
    Leave out as many backups as it takes.

    They go droplet by droplet and oldest first, as if backups had been enabled later, so that no series has gaps.
    """
    spare = np.flatnonzero(rows.spare)
    surplus = len(rows.at) - count
    if not 0 <= surplus <= len(spare):
        raise ValueError(
            f"Three years of this company make between {len(rows.at) - len(spare)} and {len(rows.at)} ordinary "
            f"actions, so that {count} cannot be had; choose a number between them."
        )
    kept = np.ones(len(rows.at), dtype=np.bool_)
    kept[spare[np.lexsort((rows.at[spare], rows.of[spare]))][:surplus]] = False
    return rows.where(kept)


def _actions(
    random: np.random.Generator, fleet: Fleet, rows: Rows, facts: dict[str, NDArray[Any]], start: int
) -> list[Action]:
    """Give each row an id, an end and an outcome, and the shape the API would give it."""
    errs = rows.errs(random) | facts["errs"]
    ends = _ends(random, fleet, rows, facts, errs, start)
    outcome = np.where(errs & np.isin(facts["left_s"], -1.0), "errored", "completed").astype(object)
    kind = fleet.kind[rows.of].astype(object)
    number = fleet.number[rows.of].astype(object)
    number[kind == "volume"] = None
    region = fleet.region[rows.of].astype(object)
    region[rows.type == code("image_destroy")] = None
    kind[(kind == "reserved_ip") & (rows.at < start - _SPAN_S + _OLD_NAMES_UNTIL_S)] = "floating_ip"
    key = fleet.key[rows.of].astype(object)
    hidden = np.full(len(rows.at), "", dtype=object)
    odd = np.full(len(rows.at), "", dtype=object)

    def some(type_: str, *places: int) -> NDArray[np.int64]:
        """Return places among the completed rows of a type."""
        return np.flatnonzero((rows.type == code(type_)) & (outcome == "completed"))[list(places)]

    odd[np.flatnonzero(rows.type != code("image_destroy"))[:_TEXT_REGIONS]] = "region_is_text"
    odd[some("attach_volume", 40, 41)] = "no_resource_id"
    kind[some("detach_volume", 60, 61, 62, 63)] = "backend"
    outcome[some("resize_volume", 0)] = "done"
    hidden[some("snapshot", -60)] = "in_lists"
    hidden[some("snapshot", -40)] = "everywhere"
    v6 = some("assign_ip", -30, -20, -10)
    kind[v6], number[v6], key[v6], odd[v6] = "reserved_ipv6", 0, "", "region_is_null"

    columns = (_ids(random, rows.at), TYPES[rows.type], rows.at)
    return list(
        map(
            Action,
            *(column.tolist() for column in (*columns, ends, outcome, kind, number, key, region, hidden, odd)),
        )
    )


def _ends(
    random: np.random.Generator,
    fleet: Fleet,
    rows: Rows,
    facts: dict[str, NDArray[Any]],
    errs: NDArray[np.bool_],
    start: int,
) -> NDArray[Any]:
    """Return the second at which each row ends; None for never."""
    grows = np.isin(rows.type, [code("snapshot"), code("backup"), code("restore")])
    slowness = facts["slow"] * np.where(grows, fleet.slowness[rows.of], 1.0)
    age = (rows.at - (start - _SPAN_S)) / _SPAN_S
    slowness = slowness * np.where(rows.type == code(DRIFTING), 1.0 + 1.5 * age, 1.0)
    # Some fail at once, some only after all the time has been spent.
    slowness = slowness * np.where(errs, random.choice([0.05, 0.5, 1.5], len(errs)), 1.0)
    ends = (rows.at + rows.seconds(random, slowness)).astype(object)
    never, told = np.isinf(facts["left_s"]), facts["left_s"] >= 0
    ends[told & ~never] = (start + facts["left_s"][told & ~never]).astype(np.int64)
    ends[never] = None
    return ends


def _ids(random: np.random.Generator, at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ids that rise with time, no two alike, and in no order within a second."""
    steps = np.arange(len(at))
    rising = np.interp(at, _ID_SECONDS, _IDS).astype(np.int64) + random.integers(0, 12, len(at))
    rising = np.maximum.accumulate(rising - steps) + steps
    ids = np.empty_like(rising)
    ids[np.lexsort((random.random(len(at)), at))] = rising
    return ids


def _droplets(fleet: Fleet, history: list[Action], start: int) -> list[Droplet]:
    """Return the droplets that still exist; off are those that were last switched off."""
    switches = {"power_on": "active", "power_off": "off", "shutdown": "off"}
    switched = (action for action in history if action.type in switches and action.outcome == "completed")
    status = {action.resource_id: switches[action.type] for action in switched}
    backed_up = {row for role in ("api", "db", "mail") for row in fleet.groups[role].tolist()}
    workers = set(fleet.groups["worker"].tolist())
    return [
        Droplet(
            id=int(fleet.number[row]),
            name=name,
            region=str(fleet.region[row]),
            size="s-4vcpu-8gb" if row % 3 else "s-2vcpu-4gb",
            status=status.get(int(fleet.number[row]), "active"),
            created_at=int(fleet.born[row]),
            tags=["production", "parked"] if row in workers else ["production"],
            features=["monitoring", "private_networking"] + (["backups"] if row in backed_up else []),
            snapshot_s=95.0 * float(fleet.slowness[row]),
        )
        for row, name in enumerate(fleet.names)
        if fleet.died[row] > start
    ]


def _images(random: np.random.Generator, fleet: Fleet, history: list[Action], start: int) -> list[Image]:
    """Return the newest snapshots and backups of each droplet, and the images that were moved and kept."""
    kept = {"snapshot": 4, "backup": 3}
    droplet_of = {f"droplet:{number}": int(number) for number in fleet.number[: len(fleet.names)]}
    names = dict(zip(droplet_of, fleet.names, strict=True))
    taken: dict[tuple[str, str], int] = {}
    made = []
    for action in reversed(history):
        # A snapshot that is still being taken appears when it is done.
        if action.type not in kept or action.ends_at is None or action.outcome != "completed":
            continue
        if action.resource not in names:
            continue
        count = taken[action.resource, action.type] = taken.get((action.resource, action.type), 0) + 1
        if count <= kept[action.type]:
            made.append(action)
    ids = 226_000_100 + np.cumsum(random.integers(1, 900, len(made)))
    images = [
        Image(
            id=int(id_),
            name=f"{names[action.resource]}-{action.started_at}",
            created_at=action.started_at,
            listed_at=(action.ends_at or 0) + _LISTED_LATER_S,
            droplet_id=droplet_of[action.resource],
            type=action.type,
            regions=[action.region or "fra1"],
            size_gb=round(2.1 + 0.07 * (action.started_at % 40), 2),
        )
        for id_, action in zip(ids, reversed(made), strict=True)
    ]
    for row in fleet.groups["image"][fleet.died[fleet.groups["image"]] > start]:
        born, number = int(fleet.born[row]), int(fleet.number[row])
        images.append(Image(number, f"golden-{born}", created_at=born, regions=[str(fleet.region[row])]))
    return images


def _volumes(fleet: Fleet, droplets: list[Droplet]) -> list[Volume]:
    """Return the volumes, each attached to a droplet of its region where there is one left."""
    hosts = [droplet for droplet in droplets if droplet.name.startswith(("db", "queue", "cache", "worker"))]
    return [
        Volume(
            id=str(fleet.key[row]).partition(":")[2],
            name=f"volume-{fleet.region[row]}-{place:02d}",
            region=str(fleet.region[row]),
            size_gb=50 + 50 * (place % 6),
            droplet_id=_take(hosts, str(fleet.region[row])),
            created_at=int(fleet.born[row]),
        )
        for place, row in enumerate(fleet.groups["volume"], start=1)
    ]


def _reserved_ips(fleet: Fleet, droplets: list[Droplet], start: int) -> list[ReservedIp]:
    """Return the addresses that have not been released, pointing at the droplets that face the world."""
    fronts = [droplet for droplet in droplets if droplet.name.startswith(("web", "api", "mail"))]
    ips = fleet.groups["ip"]
    return [
        ReservedIp(
            str(fleet.key[row]).partition(":")[2],
            region=str(fleet.region[row]),
            droplet_id=_take(fronts, str(fleet.region[row])),
        )
        for row in ips[fleet.died[ips] > start]
    ]


def _take(droplets: list[Droplet], region: str) -> int | None:
    """Take the first of *droplets* that is in *region* off the list."""
    found = next((droplet for droplet in droplets if droplet.region == region), None)
    if found is None:
        return None
    droplets.remove(found)
    return found.id
