"""The responses of the simulated account are those of DigitalOcean's OpenAPI document, with a few known deviations."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from doaudit.demo import Fault, World
from doaudit.demo.world.records import Droplet, Image, ReservedIp, Volume

_DOCUMENT = Path(os.environ.get("DOAUDIT_OPENAPI", Path(__file__).parents[4] / "shared" / "openapi" / "actions.json"))

# The deviations: the place in a response, the value there, and how we know that the live API does the same (sections of
# the facts that the project collected about the API).
DEVIATIONS = {
    "no region": (r"actions/\d+/region", None, "1.8: null for image_destroy and for reserved IPv6 addresses"),
    "region as text": (r"actions/\d+/region", "fra1", "1.8: a bare slug before 2015-03-20"),
    "status done": (r"actions/\d+/status", "done", "1.4: all floating IP actions on 2021-09-30, volumes until 2023"),
    "droplet off": (r"(.*/)?droplet(s/\d+)?/status", "off", "5.4: in the document, `off` has become the boolean false"),
}

VOLUME, IP = "506f78a4-e098-11e5-ad9f-000f53306ae1", "45.55.96.47"


@pytest.fixture(scope="module")
def document():
    """The OpenAPI document; it lies beside the repository, not in it."""
    if not _DOCUMENT.exists():
        message = f"There is no OpenAPI document at {_DOCUMENT}; set DOAUDIT_OPENAPI to where it is."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    return json.loads(_DOCUMENT.read_text(encoding="utf-8"))


def _invalid_places(schema, body):
    """Yield (place, value) for everything in *body* that the schema does not allow."""

    def leaves(errors):
        for error in errors:
            if error.context and error.validator != "anyOf":
                yield from leaves(error.context)
            else:
                yield "/".join(str(step) for step in error.absolute_path), error.instance

    return list(leaves(OAS30Validator(schema, format_checker=oas30_format_checker).iter_errors(body)))


def _schema(document, method, template, status):
    responses = document["paths"][template][method.lower()]["responses"]
    response = responses.get(str(status), responses["default"])
    return response["content"]["application/json"]["schema"]


def _deviation(place, value):
    return next(
        (
            name
            for name, (where, what, _) in DEVIATIONS.items()
            if re.fullmatch(where, place) and (value == what or (what == "fra1" and isinstance(value, str)))
        ),
        None,
    )


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
    assert _invalid_places(_schema(document, "GET", template, 200), response.json()) == []
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

    schema = _schema(document, "POST", "/v2/droplets/{droplet_id}/actions", 201)
    assert response.status_code == status
    assert _invalid_places(schema, response.json()) == []
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
    assert _invalid_places(_schema(document, "GET", "/v2/actions/{action_id}", status), response.json()) == []


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
    schema = _schema(document, "GET", "/v2/actions", 200)

    places = _invalid_places(
        schema, {"actions": list(kinds.values()), "links": {}, "meta": {"total": len(company_rows)}}
    )

    found = [_deviation(place, value) for place, value in places]
    assert None not in found
    assert set(found) == set(DEVIATIONS) - {"droplet off"}


def test_a_droplet_that_is_off_deviates_because_the_document_is_wrong(document, api):
    """The document lists `false` where the API says "off"; nothing else deviates."""
    api.world.droplet(560_000_001).change(0, status="off")

    response = api.get("/v2/droplets/560000001").json()

    places = _invalid_places(_schema(document, "GET", "/v2/droplets/{droplet_id}", 200), response)
    assert [_deviation(place, value) for place, value in places] == ["droplet off"]
