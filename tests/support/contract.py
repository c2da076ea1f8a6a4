"""DigitalOcean's OpenAPI document, and what the responses of the simulated account are checked for."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker

__all__ = ["DEVIATIONS", "Recorder", "deviation", "invalid_places", "read_document", "response_schema", "unexpected"]

_DOCUMENT = Path(os.environ.get("DOAUDIT_OPENAPI", Path(__file__).parents[3] / "shared" / "openapi" / "actions.json"))

# The deviations: the place in a response, the value there, and how we know that the live API does the same (sections of
# the facts that the project collected about the API).
DEVIATIONS = {
    "no region": (r"actions/\d+/region", None, "1.8: null for image_destroy and for reserved IPv6 addresses"),
    "status done": (r"actions/\d+/status", "done", "1.4: all floating IP actions on 2021-09-30, volumes until 2023"),
    "droplet off": (r"(.*/)?droplet(s/\d+)?/status", "off", "5.4: in the document, `off` has become the boolean false"),
}


def read_document():
    """Return the OpenAPI document; it lies beside the repository, not in it. Skip the test where it is missing."""
    if not _DOCUMENT.exists():
        message = f"There is no OpenAPI document at {_DOCUMENT}; set DOAUDIT_OPENAPI to where it is."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    return json.loads(_DOCUMENT.read_text(encoding="utf-8"))


def invalid_places(schema, body):
    """Return (place, value) for everything in *body* that the schema does not allow."""

    def leaves(errors):
        for error in errors:
            if error.context and error.validator != "anyOf":
                yield from leaves(error.context)
            else:
                yield "/".join(str(step) for step in error.absolute_path), error.instance

    return list(leaves(OAS30Validator(schema, format_checker=oas30_format_checker).iter_errors(body)))


def response_schema(document, method, template, status):
    """Return the schema of a response of a documented path."""
    responses = document["paths"][template][method.lower()]["responses"]
    response = responses.get(str(status), responses["default"])
    return response["content"]["application/json"]["schema"]


def deviation(place, value):
    """Return the name of the deviation that *value* at *place* is; None if it is none."""
    found = (name for name, (where, what, _) in DEVIATIONS.items() if re.fullmatch(where, place) and value == what)
    return next(found, None)


@dataclass(frozen=True)
class Sent:
    """A response that was sent, and the request that it answers."""

    method: str
    path: str
    status: int
    body: bytes


class Recorder:
    """A WSGI app that passes everything on to another one, and keeps what that responds."""

    def __init__(self, app):
        self.sent = []
        self._app = app

    def __call__(self, environ, start_response):
        """Respond as the other app does."""
        status = []

        def start(line, headers, exc_info=None):
            status.append(int(line.split()[0]))
            return start_response(line, headers, exc_info)

        body = b"".join(self._app(environ, start))
        self.sent.append(Sent(environ["REQUEST_METHOD"], environ["PATH_INFO"], status[0], body))
        return [body]


def unexpected(document, sent):
    """Return what in a response deviates from the document in an unknown way; paths that it lacks are passed."""
    if not sent.body:
        return []
    templates = document["paths"]
    fitting = [path for path in templates if re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), sent.path.rstrip("/"))]
    if not fitting:
        return []
    # The document has the start of an action for droplets only; the others answer alike.
    as_droplet = sent.method == "POST" and "post" not in templates[fitting[0]]
    template = "/v2/droplets/{droplet_id}/actions" if as_droplet else fitting[0]
    schema = response_schema(document, sent.method, template, 201 if as_droplet and sent.status < 300 else sent.status)
    places = invalid_places(schema, json.loads(sent.body))
    return [(sent.path, place, value) for place, value in places if deviation(place, value) is None]
