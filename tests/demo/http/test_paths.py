"""The paths of the simulated account: those that real clients ask first, in each of the ways they write them."""

from __future__ import annotations

import pytest

from doaudit.demo import DEMO_TOKEN, World
from doaudit.demo.http.routes import ROUTES
from doaudit.demo.world.records import Action, Droplet, Image, ReservedIp, Volume

VOLUME, IP, PROJECT = "506f78a4-e098-11e5-ad9f-000f53306ae1", "45.55.96.47", "746c6152-2fa2-11ed-92d3-27aaa54e4988"
ALL_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
RULES = sorted({route.rule for route in ROUTES})
VALUES = {
    "<int:droplet_id>": "1",
    "<int:image_id>": "220",
    "<volume_id>": VOLUME,
    "<ip>": IP,
    "<slug>": "ubuntu-24-04-x64",
}
RESOURCES = {"droplets": "droplet:1", "images": "image:220", "volumes": f"volume:{VOLUME}"}


def _world():
    """A small account with one of everything, and an action of each."""
    return World(
        droplets=[Droplet(1, "web-01", tags=["blue"]), Droplet(2, "db-01", tags=["blue"], status="off")],
        images=[
            Image(220, "golden", created_at=5, droplet_id=1),
            Image(221, "last night", created_at=6, droplet_id=1, type="backup"),
        ],
        volumes=[Volume(VOLUME, "data", droplet_id=1)],
        reserved_ips=[ReservedIp(IP, droplet_id=1)],
        actions=[
            Action(7 + place, "reboot", started_at=place, ends_at=place, resource=resource)
            for place, resource in enumerate([*RESOURCES.values(), f"reserved_ip:{IP}"])
        ],
    )


@pytest.fixture
def api(served):
    """A small account that the test may change, served."""
    return served(_world())


@pytest.fixture(scope="module")
def unchanged(served_once):
    """A small account that no test changes, served once."""
    return served_once(_world())


def _path(rule):
    for variable, value in VALUES.items():
        rule = rule.replace(variable, value)
    kind = rule.split("/")[2]
    return rule.replace("<int:action_id>", str(7 + [*RESOURCES].index(kind) if kind in RESOURCES else 10))


def _methods(rule):
    return {route.method for route in ROUTES if route.rule == rule}


def test_every_read_works_with_and_without_a_slash_at_its_end(unchanged):
    """Both give the same 200 without a redirection, and links have no slash before the query."""
    for path in [_path(rule) for rule in RULES if "GET" in _methods(rule)]:
        plain, slashed = unchanged.get(f"{path}?per_page=1"), unchanged.get(f"{path}/?per_page=1")

        assert (path, plain.status_code, slashed.status_code) == (path, 200, 200)
        assert slashed.json() == plain.json()


@pytest.mark.parametrize("slash", ["", "/"])
def test_what_is_changed_through_a_path_with_a_slash_is_changed(api, slash):
    """Creations, events and destructions work alike."""
    started = api.post(f"/v2/droplets/1/actions{slash}", {"type": "reboot"})
    created = api.post(f"/v2/droplets{slash}", {"name": "new", "image": "ubuntu-24-04-x64"})
    destroyed = api.request("DELETE", f"/v2/droplets/2{slash}")

    assert [response.status_code for response in (started, created, destroyed)] == [201, 202, 204]
    href = created.json()["links"]["actions"][0]["href"]
    assert api.session.get(href, timeout=10).json()["action"]["type"] == "create"


@pytest.mark.parametrize(
    ("path", "key", "count"),
    [
        ("/v2/account/keys", "ssh_keys", 0),
        ("/v2/firewalls", "firewalls", 0),
        ("/v2/projects", "projects", 1),
        ("/v2/regions", "regions", 8),
        ("/v2/floating_ips", "floating_ips", 1),
        (f"/v2/floating_ips/{IP}/actions", "actions", 1),
        ("/v2/droplets/1/backups", "backups", 1),
        ("/v2/droplets/1/kernels", "kernels", 0),
        ("/v2/droplets/1/firewalls", "firewalls", 0),
        ("/v2/images", "images", 3),
        ("/v2/images?private=true", "images", 2),
        ("/v2/images?type=distribution", "images", 1),
        ("/v2/images?type=application", "images", 0),
    ],
)
def test_lists_that_clients_ask_first(unchanged, path, key, count):
    """Each is a list with links and a total, empty where a simulated account has no such thing."""
    body = unchanged.get(path).json()

    assert (len(body[key]), body["meta"]["total"]) == (count, count)
    assert body["links"] == {}


@pytest.mark.parametrize(
    ("path", "key", "field", "value"),
    [
        ("/v2/images/220", "image", "name", "golden"),
        ("/v2/images/ubuntu-24-04-x64", "image", "distribution", "Ubuntu"),
        ("/v2/images/195932981", "image", "slug", "ubuntu-24-04-x64"),
        ("/v2/snapshots/220", "snapshot", "resource_id", "1"),
        (f"/v2/volumes/{VOLUME}", "volume", "name", "data"),
        (f"/v2/reserved_ips/{IP}", "reserved_ip", "ip", IP),
        (f"/v2/floating_ips/{IP}", "floating_ip", "ip", IP),
        ("/v2/projects/default", "project", "is_default", True),
        (f"/v2/projects/{PROJECT}", "project", "id", PROJECT),
    ],
)
def test_single_records_that_clients_ask_first(unchanged, path, key, field, value):
    """Each is found by its id, slug or address."""
    assert unchanged.get(path).json()[key][field] == value


def test_the_sizes_are_those_of_the_regions(unchanged):
    """Every size that a region names can be looked up, with its price and disk."""
    sizes = unchanged.get("/v2/sizes?per_page=200").json()["sizes"]
    regions = unchanged.get("/v2/regions").json()["regions"]

    assert {slug for region in regions for slug in region["sizes"]} == {size["slug"] for size in sizes}
    assert all(size["price_monthly"] > 0 and size["disk"] > 0 for size in sizes)


def test_a_backup_is_not_found_among_the_snapshots(unchanged):
    """/v2/snapshots knows snapshots only, by list and by id."""
    assert unchanged.get("/v2/snapshots/221").status_code == 404
    assert [snapshot["id"] for snapshot in unchanged.get("/v2/snapshots").json()["snapshots"]] == ["220"]


def test_a_reserved_ip_can_be_moved_under_its_old_name(api):
    """An event that is posted under floating_ips is an event of the reserved IP."""
    action = api.post(f"/v2/floating_ips/{IP}/actions", {"type": "unassign"}).json()["action"]
    api.world.advance(60)

    assert api.get(f"/v2/reserved_ips/{IP}/actions/{action['id']}").json()["action"]["status"] == "completed"
    assert api.get(f"/v2/reserved_ips/{IP}").json()["reserved_ip"]["droplet"] is None


def test_a_method_that_a_path_does_not_have_is_not_allowed(unchanged):
    """The 405 names the methods that it has, and nothing has happened."""
    wrong = [(rule, method) for rule in RULES for method in ALL_METHODS if method not in _methods(rule)]

    for rule, method in wrong:
        response = unchanged.request(method, _path(rule))

        assert (rule, response.status_code, response.json()["id"]) == (rule, 405, "method_not_allowed")
        assert set(response.headers["allow"].split(", ")) == _methods(rule)
    assert {rule for rule, _ in wrong} == set(RULES)
    assert len(unchanged.world.log) == 4


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"volume_name": "data"}, 202),
        ({"volume_name": "data", "region": "fra1"}, 202),
        ({"volume_id": VOLUME}, 202),
        ({"volume_name": "data", "region": "nyc3"}, 404),
        ({"volume_name": None, "volume_id": []}, 404),
        ({}, 404),
    ],
)
def test_an_event_of_a_volume_can_name_it_in_the_body(api, fields, status):
    """A volume is found by its name, in its region if one is given, or by its id."""
    response = api.post("/v2/volumes/actions", {"type": "detach", "droplet_id": 1, **fields})

    assert response.status_code == status
    if status == 202:
        assert response.json()["action"]["type"] == "detach_volume"


UNSET = {"region": None, "size": None, "tags": None, "ssh_keys": None, "backups": None, "user_data": None}


def test_fields_that_are_null_are_not_set(api):
    """A client that sends every field, with null for those that are not set, creates a single droplet."""
    body = {"name": "new", "names": None, "image": "ubuntu-24-04-x64", **UNSET}

    created = api.post("/v2/droplets", body)

    assert created.status_code == 202
    droplet = created.json()["droplet"]
    assert (droplet["name"], droplet["region"]["slug"], droplet["tags"]) == ("new", "fra1", [])
    assert "droplets" not in created.json()


@pytest.mark.parametrize(
    ("names", "name", "status"), [(["a", "b"], None, 202), ([], None, 422), ("ab", None, 422), ([None], "a", 422)]
)
def test_several_droplets_are_created_by_a_list_of_names(api, names, name, status):
    """Anything but a list of texts is a 422."""
    created = api.post("/v2/droplets", {"names": names, "name": name, "image": 1})

    assert created.status_code == status
    if status == 202:
        assert [droplet["name"] for droplet in created.json()["droplets"]] == names
        assert len(created.json()["links"]["actions"]) == 2


@pytest.mark.parametrize("target", [None, [1], "1", {"id": 1}, 5])
def test_an_assignment_to_no_droplet_is_not_found(unchanged, target):
    """A droplet id of any other kind than a number is as unknown as a wrong one."""
    response = unchanged.post(f"/v2/reserved_ips/{IP}/actions", {"type": "assign", "droplet_id": target})

    assert response.status_code == 404


@pytest.mark.parametrize("prefix", ["dop_v1_", "doo_v1_", "dor_v1_", ""])
def test_tokens_of_every_known_form_are_accepted(unchanged, prefix):
    """Personal, OAuth and refresh tokens, and the oldest ones without a prefix."""
    headers = {"authorization": f"Bearer {prefix}{'0a' * 32}"}

    assert unchanged.get("/v2/account", headers=headers).status_code == 200


@pytest.mark.parametrize("token", ["dox_v1_" + "0" * 64, "0" * 63, "0" * 65, "G" * 64, "dop_v1_"])
def test_other_tokens_are_not(unchanged, token):
    """Another prefix, length or alphabet is a 401."""
    assert unchanged.get("/v2/account", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_a_power_on_of_an_active_droplet_is_accepted_without_effect(api):
    """A client that switches on whatever it has created gets its 201; a world can be told to reject it."""
    accepted = api.post("/v2/droplets/1/actions", {"type": "power_on"})
    api.world.advance(60)
    assert accepted.status_code == 201
    assert api.get(f"/v2/actions/{accepted.json()['action']['id']}").json()["action"]["status"] == "completed"
    assert api.get("/v2/droplets/1").json()["droplet"]["status"] == "active"

    api.world.power_on_twice = False
    assert api.post("/v2/droplets/1/actions", {"type": "power_on"}).status_code == 422


def test_an_event_by_tag_starts_for_each_droplet_with_it(api):
    """Both droplets with the tag get an action of their own."""
    response = api.post("/v2/droplets/actions?tag_name=blue", {"type": "power_on"})

    assert response.status_code == 201
    assert sorted(action["resource_id"] for action in response.json()["actions"]) == [1, 2]


@pytest.mark.parametrize(
    ("tag", "type_", "status"),
    [("blue", "power_off", 422), ("blue", "rebuild", 422), ("red", "power_on", 404), ("", "power_on", 404)],
)
def test_an_event_by_tag_starts_for_all_or_for_none(unchanged, tag, type_, status):
    """Nothing is started where one droplet would reject the event, the type is not for tags, or no droplet has it."""
    response = unchanged.post(f"/v2/droplets/actions?tag_name={tag}", {"type": type_})

    assert response.status_code == status
    assert len(unchanged.world.log) == 4


def test_an_event_by_tag_needs_its_scopes(api):
    """A snapshot by tag needs image:create too."""
    api.world.tokens[DEMO_TOKEN] = frozenset({"droplet:update"})

    assert api.post("/v2/droplets/actions?tag_name=blue", {"type": "snapshot"}).status_code == 403
