"""A secret text: everything but `encode` shows a placeholder, or refuses."""

from __future__ import annotations

import copy
import gc
import json
import logging
import pickle
import pprint
import re
import reprlib
import string
import textwrap
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doaudit.secret import HIDDEN, REDACTED, Secret

REAL = "dop_v1_" + 16 * "3fa9"
PART = "3fa93fa9"
TOKENS = st.text(string.ascii_letters + string.digits + "_-+/=.", min_size=16, max_size=80)

WAYS = {
    "str": str,
    "repr": repr,
    "ascii": ascii,
    "format": format,
    "f-string": lambda secret: f"{secret} {secret!r} {secret!s:>40}",
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 -- one of the ways
    "format_map": "{0} {0!r} {0[3]}".format,
    "template": lambda secret: string.Template("$token").substitute(token=secret),
    "plus": lambda secret: "Bearer " + secret + "!",
    "times": lambda secret: secret * 2,
    "join": lambda secret: secret.join("ab") + "-".join(["a", secret, *secret]),
    "slice": lambda secret: secret[:] + secret[::-1],
    "index": lambda secret: secret[0],
    "characters": list,
    "tuple": lambda secret: (*secret,),
    "lines": lambda secret: secret.splitlines() + secret.split("_") + list(secret.partition("_")),
    "cases": lambda secret: secret.lower() + secret.upper() + secret.title() + secret.casefold() + secret.swapcase(),
    "strip": lambda secret: secret.strip() + secret.removeprefix("dop") + secret.replace("a", "b") + secret.zfill(99),
    "translate": lambda secret: secret.translate({}) + secret.center(99) + secret.expandtabs(),
    "bytes": lambda secret: bytes(secret, "utf-8") + bytearray(secret, "utf-8"),
    "str.encode": str.encode,
    "json": json.dumps,
    "json key": lambda secret: json.dumps({secret: secret}, indent=1),
    "pprint": pprint.pformat,
    "reprlib": reprlib.repr,
    "textwrap": lambda secret: textwrap.fill(secret, 3),
    "regular expression": lambda secret: re.findall(".", secret),
    "vars": lambda secret: [getattr(secret, name) for name in secret.__slots__],
    "dir": lambda secret: [repr(getattr(secret, name)) for name in dir(secret)],
    "set": lambda secret: {secret, secret},
    "hash": hash,
    "length": len,
    "exception": lambda secret: repr(ValueError(secret)),
    "log": lambda secret: logging.LogRecord("x", 10, "x", 1, "%s %r", (secret, secret), None).getMessage(),
    "after": lambda secret: secret.after("Bearer "),
    "after redaction": lambda secret: [secret.redact(REAL), secret._redacted],
}
REFUSED = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "msgspec": msgspec.json.encode,
    "deepcopy within": lambda secret: copy.deepcopy({"token": [secret]}),
    **{
        f"pickle {protocol}": lambda secret, protocol=protocol: pickle.dumps(secret, protocol)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_show_a_text_shows_a_secret(way):
    """Whatever makes a text of a secret, or takes it apart, has the placeholder, or nothing of the real text."""
    made = WAYS[way](Secret(REAL))

    assert PART not in repr(made)
    assert PART.upper() not in repr(made)
    assert PART[::-1] not in repr(made)
    assert repr(list(PART))[1:-1] not in repr(made)


@pytest.mark.parametrize("way", REFUSED)
def test_a_secret_is_not_copied(way):
    """A pickle would be the token in a file."""
    with pytest.raises(TypeError, match=r"cannot be copied|unsupported") as refused:
        REFUSED[way](Secret(REAL))

    assert PART not in str(refused.value)


def test_encode_gives_the_real_text():
    """Only what asks for bytes to send or to hash gets them."""
    secret = Secret(f" {REAL}\n")

    assert secret.encode() == secret.encode("latin-1") == REAL.encode()
    assert secret.after("Bearer ").encode("latin-1") == b"Bearer " + REAL.encode()
    assert str(secret) == HIDDEN


def test_a_secret_is_itself_and_no_other():
    """Two secrets are not equal for having the same placeholder, and neither equals the placeholder."""
    secret, other = Secret(REAL), Secret(REAL[::-1])

    assert secret == secret  # noqa: PLR0124 -- this is the question
    assert secret != other
    assert secret != HIDDEN
    assert Secret(secret) is secret
    assert len({secret, other, HIDDEN}) == 3


@pytest.mark.parametrize("nothing", ["", " \n", None, 7, REAL.encode(), [REAL]], ids=repr)
def test_what_is_no_text_is_an_empty_secret(nothing):
    """It is false, and keeps nothing of what it was given."""
    secret = Secret(nothing)

    assert not secret
    assert not secret.is_one_word
    assert secret.encode() == b""
    assert PART not in repr(gc.get_referents(secret))


@pytest.mark.parametrize("text", ["a b", "a\tb", "a\x00", "é", "\udc80", "\x7f"])
def test_one_word_is_what_a_header_can_carry(text):
    """Printable ASCII without blanks."""
    assert Secret(REAL).is_one_word
    assert not Secret(REAL + text + REAL).is_one_word


@given(TOKENS, st.text(), st.text())
def test_a_secret_is_redacted_from_texts_and_bytes(real, before, after):
    """Nothing is left of it, and what stands around it is."""
    text = before + real + after
    redacted = Secret(real).redact(text)

    assert redacted == text.replace(real, REDACTED)
    assert Secret(real).redact(text.encode("utf-8", "replace")).decode() == redacted.encode("utf-8", "replace").decode()


@given(TOKENS, st.sampled_from([json.dumps, lambda text: "".join(rf"\u{ord(each):04X}" for each in text)]))
def test_a_secret_is_redacted_where_json_escapes_it(real, write):
    """In each spelling that JSON has for its characters, once and twice."""
    once = write(real).strip('"')

    twice = json.dumps(once).strip('"')

    assert Secret(real).redact(f"<{once}> <{twice}>") == f"<{REDACTED}> <{REDACTED}>"
    assert Secret(real).redact(f"<{once}> <{twice}>".encode()) == f"<{REDACTED}> <{REDACTED}>".encode()


def test_a_short_text_is_left_where_it_stands():
    """A few letters are in many texts that are not the token, and no token is as short."""
    assert Secret("a").redact('{"name": "a"}') == '{"name": "a"}'


def test_a_long_text_of_backslashes_is_redacted_in_no_time():
    """The work grows with the length of a text, not with its square."""
    text = "\\" * 2_000_000

    assert Secret(REAL).redact(text) == text


def test_no_module_names_the_environment_as_a_whole():
    """A tool that shows what a line names would print it, and the token with it; `os.getenv` is shown as a function."""
    package = Path(__file__).parents[1] / "doaudit"
    texts = {path.name: path.read_text(encoding="utf-8") for path in package.rglob("*.py")}

    assert [name for name, text in texts.items() if "os.environ" in text] == []
