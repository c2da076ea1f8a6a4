"""The responses of the simulated account are those of DigitalOcean's OpenAPI document, with a few known deviations."""

from __future__ import annotations

import pytest
from contract import DEVIATIONS, deviation, invalid_places, response_schema

from doaudit.demo import Fault, World
from doaudit.demo.world.records import Droplet, Image, ReservedIp, Volume

VOLUME, IP = "506f78a4-e098-11e5-ad9f-000f53306ae1", "45.55.96.47"


@pytest.fixture
def api(served, actions):
    """A small account with one of everything, served."""
    return served(
        World(
            actions=actions(3),
            droplets=[Droplet(560_000_001, "web-01"), Droplet(560_000_002, "db-01")],
            images=[Image(220_000_001, "golden", created_at=0, droplet_id=560_000_001)],
            volumes=[Volume(VOLUME, "data", droplet_id=560_000_001)],
            reserved_ips=[ReservedIp(IP, droplet_id=560_000_001), ReservedIp("45.55.96.48")],
        )
    )


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/v2/account", "/v2/account"),
        ("/v2/actions", "/v2/actions?per_page=2"),
        ("/v2/actions/{action_id}", "/v2/actions/3300000001"),
        ("/v2/droplets", "/v2/droplets"),
        ("/v2/droplets/{droplet_id}", "/v2/droplets/560000001"),
        ("/v2/droplets/{droplet_id}/actions", "/v2/droplets/560000001/actions"),
        ("/v2/droplets/{droplet_id}/actions/{action_id}", "/v2/droplets/560000001/actions/3300000001"),
        ("/v2/droplets/{droplet_id}/snapshots", "/v2/droplets/560000001/snapshots"),
        ("/v2/images", "/v2/images?private=true"),
        ("/v2/images/{image_id}/actions", "/v2/images/220000001/actions"),
        ("/v2/reserved_ips", "/v2/reserved_ips"),
        ("/v2/reserved_ips/{reserved_ip}/actions", f"/v2/reserved_ips/{IP}/actions"),
        ("/v2/snapshots", "/v2/snapshots?resource_type=droplet"),
        ("/v2/volumes", "/v2/volumes"),
        ("/v2/volumes/{volume_id}/actions", f"/v2/volumes/{VOLUME}/actions"),
    ],
)
def test_every_read_is_as_documented(document, api, template, path):
    """The response of each documented GET validates, with rows in each list."""
    for act, body in (
        (f"/v2/volumes/{VOLUME}", {"type": "resize", "size_gigabytes": 500}),
        (f"/v2/reserved_ips/{IP}", {"type": "unassign"}),
        ("/v2/images/220000001", {"type": "transfer", "region": "nyc3"}),
    ):
        assert api.post(act + "/actions", body).ok

    response = api.get(path)

    assert response.status_code == 200
    assert invalid_places(response_schema(document, "GET", template, 200), response.json()) == []
    assert all(rows for rows in response.json().values() if isinstance(rows, list))
    documented = document["paths"][template]["get"]["responses"]["200"].get("headers", {})
    assert set(documented) <= {name.lower() for name in response.headers}


def test_no_documented_path_is_missing(document, api):
    """Each documented path has a response other than the 404 of unknown paths."""
    values = {
        "action_id": "3300000001",
        "droplet_id": "560000001",
        "image_id": "220000001",
        "volume_id": VOLUME,
        "reserved_ip": IP,
    }

    missing = [path for path in document["paths"] if not api.get(path.format(**values)).ok]

    assert missing == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v2/droplets/560000001/actions", {"type": "snapshot", "name": "x"}, 201),
        ("/v2/images/220000001/actions", {"type": "transfer", "region": "nyc3"}, 201),
        (f"/v2/reserved_ips/{IP}/actions", {"type": "assign", "droplet_id": 560_000_002}, 201),
        (f"/v2/volumes/{VOLUME}/actions", {"type": "detach"}, 202),
    ],
)
def test_every_started_action_is_as_documented(document, api, path, body, status):
    """Each POST returns an action in progress with the documented status code; reading the action returns the same."""
    response = api.post(path, body)

    schema = response_schema(document, "POST", "/v2/droplets/{droplet_id}/actions", 201)
    assert response.status_code == status
    assert invalid_places(schema, response.json()) == []
    action = response.json()["action"]
    assert (action["status"], action["completed_at"]) == ("in-progress", None)
    assert api.get(f"{path}/{action['id']}").json() == response.json()


@pytest.mark.parametrize(
    ("kind", "status"), [("unauthorized", 401), ("not_found", 404), ("hour_limit", 429), ("server_error", 500)]
)
def test_every_error_is_as_documented(document, api, kind, status):
    """The body of each documented error validates."""
    api.world.faults.add(Fault(kind))

    response = api.get("/v2/actions/3300000001")

    assert response.status_code == status
    assert invalid_places(response_schema(document, "GET", "/v2/actions/{action_id}", status), response.json()) == []


def test_the_company_deviates_only_where_the_live_api_does(document, company_rows):
    """Each kind of row in the history is as documented or has a known deviation, and each deviation occurs."""
    kinds = {
        (
            row["type"],
            row["status"],
            row["resource_type"],
            *(type(row.get(key)) for key in ("region", "resource_id")),
        ): row
        for row in company_rows
    }
    schema = response_schema(document, "GET", "/v2/actions", 200)

    places = invalid_places(
        schema, {"actions": list(kinds.values()), "links": {}, "meta": {"total": len(company_rows)}}
    )

    found = [deviation(place, value) for place, value in places]
    assert None not in found
    assert set(found) == set(DEVIATIONS) - {"droplet off"}


def test_a_droplet_that_is_off_deviates_because_the_document_is_wrong(document, api):
    """The document lists `false` where the API says "off"; nothing else deviates."""
    api.world.droplet(560_000_001).change(0, status="off")

    response = api.get("/v2/droplets/560000001").json()

    places = invalid_places(response_schema(document, "GET", "/v2/droplets/{droplet_id}", 200), response)
    assert [deviation(place, value) for place, value in places] == ["droplet off"]
