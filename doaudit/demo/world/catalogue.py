"""The catalogue of regions and droplet sizes, which the API repeats inside every action."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["REGIONS", "SIZES", "region", "region_json", "size"]

_NAMES = {
    "ams3": "Amsterdam 3",
    "blr1": "Bangalore 1",
    "fra1": "Frankfurt 1",
    "lon1": "London 1",
    "nyc1": "New York 1",
    "nyc3": "New York 3",
    "sfo3": "San Francisco 3",
    "sgp1": "Singapore 1",
}

REGIONS = tuple(_NAMES)
"""The slugs of all regions."""

_FEATURES = ["backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer"]

# Family, suffixes of the slug, and the plans as (vcpus, memory in GB, disk in GB).
_FAMILIES: list[tuple[str, tuple[str, ...], list[tuple[int, int, int]]]] = [
    ("s", ("", "-amd", "-intel"), [(1, 1, 25), (1, 2, 50), (2, 2, 60), (2, 4, 80), (4, 8, 160), (8, 16, 320)]),
    ("g", ("", "-intel"), [(2, 8, 25), (4, 16, 50), (8, 32, 100), (16, 64, 200), (32, 128, 400), (40, 160, 500)]),
    ("gd", ("",), [(2, 8, 50), (4, 16, 100), (8, 32, 200), (16, 64, 400), (32, 128, 800), (40, 160, 1000)]),
    ("c", ("", "-intel"), [(2, 4, 25), (4, 8, 50), (8, 16, 100), (16, 32, 200), (32, 64, 400)]),
    ("c2", ("",), [(2, 4, 50), (4, 8, 100), (8, 16, 200), (16, 32, 400), (32, 64, 800)]),
    ("m", ("",), [(2, 16, 50), (4, 32, 100), (8, 64, 200), (16, 128, 400), (24, 192, 600), (32, 256, 800)]),
    ("m3", ("",), [(2, 16, 150), (4, 32, 300), (8, 64, 600), (16, 128, 1200), (24, 192, 1800)]),
    ("so", ("",), [(2, 16, 300), (4, 32, 600), (8, 64, 1200), (16, 128, 2400), (24, 192, 3600), (32, 256, 4800)]),
]


def _all_sizes() -> dict[str, dict[str, Any]]:
    """Return every size as the API shows it, by its slug; prices are made up."""
    sizes = {}
    for family, suffixes, plans in _FAMILIES:
        for suffix in suffixes:
            for vcpus, memory_gb, disk_gb in plans:
                slug = f"{family}-{vcpus}vcpu-{memory_gb}gb{suffix}"
                monthly = vcpus * 6.0 + memory_gb * 3.0 + disk_gb * 0.05
                sizes[slug] = {
                    "slug": slug,
                    "memory": memory_gb * 1024,
                    "vcpus": vcpus,
                    "disk": disk_gb,
                    "transfer": float(vcpus),
                    "price_monthly": monthly,
                    "price_hourly": round(monthly / 672, 5),
                    "regions": list(REGIONS),
                    "available": True,
                    "description": {"s": "Basic", "c": "CPU-Optimized", "m": "Memory-Optimized"}.get(family, "Premium"),
                }
    return sizes


_SIZES = _all_sizes()

SIZES = tuple(_SIZES)
"""The slugs of all droplet sizes."""


def size(slug: str) -> dict[str, Any]:
    """Return the size *slug* as the API shows it."""
    return _SIZES[slug]


def region(slug: str, *, with_sizes: bool = True) -> dict[str, Any]:
    """Return the region *slug* as the API shows it; a token without `sizes:read` gets no sizes."""
    # The newest plans are not sold everywhere, so that no two regions are quite alike.
    not_sold = REGIONS.index(slug)
    return {
        "name": _NAMES[slug],
        "slug": slug,
        "features": _FEATURES[: len(_FEATURES) - not_sold % 2],
        "available": True,
        "sizes": list(SIZES[: len(SIZES) - not_sold]) if with_sizes else [],
    }


_REGION_JSON = {
    (slug, with_sizes): msgspec.json.encode(region(slug, with_sizes=with_sizes))
    for slug in REGIONS
    for with_sizes in (True, False)
}


def region_json(slug: str, *, with_sizes: bool = True) -> bytes:
    """Return a region as JSON. It is encoded once, because it is nine tenths of every page of actions."""
    return _REGION_JSON[slug, with_sizes]
