"""The table of kinds of resources, held against the API's OpenAPI document."""

from __future__ import annotations

import pytest

from doaudit.errors import InvalidArgument
from doaudit.resources import KINDS, KNOWN_TYPES, find_kind, required_scopes, resource_key, resource_path

WITH_EVENTS = [kind for kind in KINDS if kind.path]


def operation(openapi, method: str, path: str) -> dict:
    """Find the operation of a path whose parameters may have any name."""
    wanted = path.split("/")
    for template, operations in openapi["paths"].items():
        parts = template.split("/")
        if len(parts) == len(wanted) and all(
            part == given or part.startswith("{") for part, given in zip(parts, wanted, strict=True)
        ):
            return operations[method]
    raise LookupError(path)


def scopes_of(described: dict) -> set[str]:
    """The scopes that an operation is described to need."""
    return {scope for security in described["security"] for scopes in security.values() for scope in scopes}


def request_types(schema: object) -> set[str]:
    """Every event type that a request's schema names in a discriminator."""
    if isinstance(schema, list):
        return set().union(*map(request_types, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    own = set(schema.get("discriminator", {}).get("mapping", {}))
    return own.union(*(request_types(part) for part in schema.values())) if schema else own


@pytest.mark.parametrize("kind", WITH_EVENTS, ids=lambda kind: kind.name)
def test_a_kinds_actions_are_where_the_api_has_them(openapi, kind):
    """The list of a resource's actions is at its path, and needs the scope that the table names."""
    described = operation(openapi, "get", f"{kind.path}/7/actions")

    assert kind.read_scope in scopes_of(described)
    assert required_scopes(f"GET {kind.path}/7/actions") == kind.read_scope


@pytest.mark.parametrize("listed", [listed for kind in KINDS for listed in kind.lists], ids=lambda listed: listed.path)
def test_a_list_is_where_the_api_has_it(openapi, listed):
    """Each list is at its path and needs its scope."""
    assert listed.scope in scopes_of(operation(openapi, "get", listed.path))
    assert required_scopes(f"GET {listed.path}") == listed.scope


def test_a_droplets_events_are_those_of_the_api(openapi):
    """Every event that the document has for droplets is in the table, and no other, and the scope is its."""
    described = operation(openapi, "post", "/v2/droplets/7/actions")
    droplet = find_kind("droplet")

    assert set(droplet.events) == request_types(described)
    assert droplet.act_scope in scopes_of(described)


def test_a_refused_event_names_what_it_needs():
    """A 403 on an event names the scope for acting, with what single events need besides."""
    droplet = required_scopes("POST /v2/droplets/7/actions").split("; ")

    assert droplet[0] == "droplet:update"
    assert "snapshot also needs image:create" in droplet
    assert "password_reset, restore, rebuild also need droplet:admin" in droplet
    assert required_scopes("POST /v2/volumes/7/actions") == "block_storage_action:create"
    assert required_scopes("GET /v2/actions/7") == "actions:read"
    assert required_scopes("GET /v2/nowhere") == ""


@pytest.mark.parametrize(
    ("resource_type", "resource_id", "key"),
    [
        ("droplet", 3164450, "droplet:3164450"),
        ("image", 7938391, "image:7938391"),
        ("reserved_ip", 758603823, "reserved_ip:45.55.96.47"),
        ("floating_ip", 758603823, "reserved_ip:45.55.96.47"),
        ("floating_ip", 2**32, None),
        ("droplet", 0, None),
        ("droplet", None, None),
        ("volume", 5, None),
        ("backend", None, None),
        ("reserved_ipv6", 0, None),
        ("database", 7, "database:7"),
        (None, 7, None),
    ],
)
def test_a_key_names_a_resource_or_nothing(resource_type, resource_id, key):
    """Two words for one kind give one key; an id that identifies nothing gives none; an unknown kind keeps its word."""
    assert resource_key(resource_type, resource_id) == key


@pytest.mark.parametrize("kind", WITH_EVENTS, ids=lambda kind: kind.name)
def test_each_word_for_a_kind_leads_to_its_path(kind):
    """A key with any word for a kind has the kind's path."""
    assert {resource_path(f"{word}:7") for word in kind.resource_types} == {f"{kind.path}/7"}


@pytest.mark.parametrize("key", ["droplet", "droplet:web-01", "droplet:7/../8", "database:7", "reserved_ipv6:7", ""])
def test_what_names_no_resource_is_refused(key):
    """A key that cannot be put into an address is refused in words."""
    with pytest.raises(InvalidArgument, match="names no resource"):
        resource_path(key)


def test_recorded_types_are_known():
    """Whatever can be requested is known under the type that is recorded, and so is what is only recorded."""
    assert {"attach_volume", "assign_ip", "snapshot", "destroy", "image_destroy", "reserve_ip"} <= KNOWN_TYPES
    assert "attach" not in KNOWN_TYPES


def test_what_begins_and_ends_a_resource_is_recorded_and_cannot_be_requested():
    """No event that is posted to a resource makes it or destroys it."""
    for kind in KINDS:
        assert {*kind.created_by, *kind.destroyed_by} <= set(kind.recorded_only)
    assert {kind.name for kind in KINDS if kind.created_by and kind.destroyed_by} == {"droplet", "reserved_ip"}
