"""
The records of an account as the API's JSON.

Actions are formatted as bytes, because a client may read hundreds of pages of 200 of them; everything else is rare
enough to be encoded from a dictionary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from doaudit.demo.world.catalogue import REGIONS, region_json, size
from doaudit.demo.world.clock import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from doaudit.demo.world.api_errors import ErrorResponse
    from doaudit.demo.world.records import Action, Droplet, Image, ReservedIp, Volume

__all__ = [
    "PROJECT_ID",
    "action_json",
    "base_image",
    "droplet_object",
    "encode",
    "error_json",
    "image_object",
    "links",
    "page_json",
    "reserved_ip_object",
    "snapshot_object",
    "snapshot_of_droplet_object",
    "volume_object",
    "with_project_id",
]

encode = msgspec.json.Encoder().encode
"""Encode a dictionary as JSON, as bytes."""

PROJECT_ID = "746c6152-2fa2-11ed-92d3-27aaa54e4988"
"""The id of the only project of the account."""

_ACTION = b'{"id":%d,"status":"%s","type":"%s","started_at":"%s","completed_at":%s,%s"resource_type":"%s","region":%s}'


def action_json(action: Action, now: float, *, end_hidden: bool = False, with_sizes: bool = True) -> bytes:
    """
    Return an action as JSON, with the keys in the order of the live API.

    Args:
        action: The action.
        now: Unix seconds.
        end_hidden: True to leave out when it completed.
        with_sizes: True to include the sizes of its region.
    """
    shown = action.finished(now) and not end_hidden and action.ends_at is not None
    completed_at = b'"%s"' % iso(action.ends_at or 0).encode() if shown else b"null"
    if action.odd == "no_resource_id":
        resource_id = b""
    else:
        resource_id = b'"resource_id":%s,' % (b"null" if action.resource_id is None else b"%d" % action.resource_id)
    return _ACTION % (
        action.id,
        action.status(now).encode(),
        action.type.encode(),
        iso(action.started_at).encode(),
        completed_at,
        resource_id,
        action.resource_type.encode(),
        _region(action, with_sizes=with_sizes),
    )


def _region(action: Action, *, with_sizes: bool) -> bytes:
    """Return the value of `region`, which is an object or null, and the key `region_slug` after it."""
    if action.region is None:
        return b'null,"region_slug":null'
    region = b"null" if action.odd == "region_is_null" else region_json(action.region, with_sizes=with_sizes)
    return b'%s,"region_slug":"%s"' % (region, action.region.encode())


def page_json(key: str, rows: Iterable[bytes], pages: dict[str, Any], total: int) -> bytes:
    """
    Return a page of a list.

    Args:
        key: The key of the rows, such as "actions".
        rows: The rows, each as JSON.
        pages: The list's `links`.
        total: The number of rows on all pages.
    """
    return b'{"%s":[%s],"links":%s,"meta":{"total":%d}}' % (key.encode(), b",".join(rows), encode(pages), total)


def links(url: str, others: str, page: int, per_page: int, total: int) -> dict[str, Any]:
    """
    Return the `links` of a list: only those to pages that exist.

    Args:
        url: The list's absolute address, without a query.
        others: The other parameters of the query, as "&key=value".
        page: The requested page, from 1.
        per_page: The number of rows on a page.
        total: The number of rows on all pages.

    Example:
        >>> links("http://x/v2/actions", "", page=1, per_page=5, total=8)["pages"]["next"]
        'http://x/v2/actions?page=2&per_page=5'
        >>> links("http://x/v2/actions", "", page=1, per_page=20, total=8)
        {}
    """
    last = -(-total // per_page)
    if last <= 1:
        return {}
    targets: dict[str, int] = {}
    if page > 1:
        targets |= {"first": 1, "prev": min(page - 1, last)}
    if page < last:
        targets |= {"last": last, "next": page + 1}
    return {"pages": {rel: f"{url}?page={number}&per_page={per_page}{others}" for rel, number in targets.items()}}


def error_json(error: ErrorResponse, request_id: str) -> bytes:
    """Return the body of an error response."""
    return encode({"id": error.code, "message": error.message, "request_id": request_id})


def _region_raw(slug: str) -> msgspec.Raw:
    """Return a region that is encoded already."""
    return msgspec.Raw(region_json(slug))


def base_image(regions: Sequence[str] = REGIONS) -> dict[str, Any]:
    """Return the distribution image that every droplet was created from, as the API's object."""
    return {
        "id": 195_932_981,
        "name": "24.04 (LTS) x64",
        "distribution": "Ubuntu",
        "slug": "ubuntu-24-04-x64",
        "public": True,
        "regions": list(regions),
        "created_at": "2025-08-11T15:34:00Z",
        "min_disk_size": 10,
        "type": "base",
        "size_gigabytes": 0.62,
        "description": "Ubuntu 24.04 (LTS) x64",
        "tags": [],
        "status": "available",
    }


def _networks(droplet: Droplet) -> dict[str, Any]:
    """Return the addresses of a droplet, made up from its id."""
    low, high = droplet.id % 250 + 2, droplet.id // 250 % 250
    public = {"ip_address": f"203.0.113.{low}", "netmask": "255.255.240.0", "gateway": "203.0.113.1", "type": "public"}
    private = {
        "ip_address": f"10.114.{high}.{low}",
        "netmask": "255.255.240.0",
        "gateway": f"10.114.{high}.1",
        "type": "private",
    }
    return {"v4": [public, private], "v6": []}


def droplet_object(droplet: Droplet, now: float, images: Iterable[Image], volumes: Iterable[Volume]) -> dict[str, Any]:
    """Return a droplet as the API's object; *images* are its listed images, *volumes* those attached to it."""
    slug = droplet.get("size", now)
    plan = size(slug)
    image_types = [(image.id, image.get("type", now)) for image in images]
    return {
        "id": droplet.id,
        "name": droplet.get("name", now),
        "memory": plan["memory"],
        "vcpus": plan["vcpus"],
        "disk": plan["disk"],
        "disk_info": [{"type": "local", "size": {"amount": plan["disk"], "unit": "gib"}}],
        "locked": droplet.locked,
        "status": droplet.get("status", now),
        "kernel": None,
        "created_at": iso(droplet.created_at),
        "features": droplet.get("features", now),
        "backup_ids": [id_ for id_, type_ in image_types if type_ == "backup"],
        "next_backup_window": None,
        "snapshot_ids": [id_ for id_, type_ in image_types if type_ == "snapshot"],
        "image": base_image([droplet.region]),
        "volume_ids": [volume.id for volume in volumes],
        "size": plan,
        "size_slug": slug,
        "networks": _networks(droplet),
        "region": _region_raw(droplet.region),
        "tags": droplet.tags,
        "vpc_uuid": "5a4981aa-9653-4bd1-bef5-d6bff52042e4",
    }


def image_object(image: Image, now: float) -> dict[str, Any]:
    """Return a snapshot or backup as /v2/images shows it."""
    return {
        "id": image.id,
        "name": image.name,
        "distribution": "Ubuntu",
        "slug": None,
        "public": False,
        "regions": image.get("regions", now),
        "created_at": iso(image.created_at),
        "min_disk_size": image.disk_gb,
        "type": image.get("type", now),
        "size_gigabytes": image.size_gb,
        "description": "",
        "tags": [],
        "status": "available",
    }


def snapshot_object(image: Image, now: float) -> dict[str, Any]:
    """Return a snapshot as /v2/snapshots shows it, where its id is text."""
    about = {"resource_id": str(image.droplet_id), "resource_type": "droplet", "tags": []}
    return {"id": str(image.id)} | _snapshot(image, now) | about


def snapshot_of_droplet_object(image: Image, now: float) -> dict[str, Any]:
    """Return a snapshot as the list of its droplet shows it, where its id is a number."""
    return {"id": image.id} | _snapshot(image, now) | {"type": image.get("type", now)}


def _snapshot(image: Image, now: float) -> dict[str, Any]:
    """Return the fields that both lists of snapshots have in common."""
    return {
        "name": image.name,
        "created_at": iso(image.created_at),
        "regions": image.get("regions", now),
        "min_disk_size": image.disk_gb,
        "size_gigabytes": image.size_gb,
    }


def volume_object(volume: Volume, now: float) -> dict[str, Any]:
    """Return a volume as the API's object."""
    attached = volume.get("droplet_id", now)
    return {
        "id": volume.id,
        "name": volume.name,
        "region": _region_raw(volume.region),
        "droplet_ids": [] if attached is None else [attached],
        "description": "",
        "size_gigabytes": volume.get("size_gb", now),
        "created_at": iso(volume.created_at),
        "filesystem_type": "ext4",
        "filesystem_label": "",
        "tags": [],
    }


def reserved_ip_object(reserved_ip: ReservedIp, droplet: dict[str, Any] | None) -> dict[str, Any]:
    """Return a reserved IP as the API's object; *droplet* is the object of the droplet it is assigned to."""
    return {
        "ip": reserved_ip.ip,
        "region": _region_raw(reserved_ip.region),
        "droplet": droplet,
        "locked": False,
        "project_id": PROJECT_ID,
    }


def with_project_id(action: bytes) -> bytes:
    """Return an action (as JSON) with the `project_id`, as in single actions of reserved IPs and only there."""
    return b'%s,"project_id":"%s"}' % (action[:-1], PROJECT_ID.encode())
