"""Secrets: a token as a text that cannot be shown, only sent."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NoReturn, SupportsIndex, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = ["HIDDEN", "REDACTED", "Secret"]

HIDDEN, REDACTED = "<token hidden>", "[token]"
_SHORTEST_REDACTED = 16  # a shorter text turns up by chance in what is not it, and no real token is shorter
_ESCAPE = r"\\(?:u00[2-7]|/)"  # of a character that a token may have; rare, and all else is a plain search
_ESCAPED, _ESCAPED_BYTES = re.compile(_ESCAPE).search, re.compile(_ESCAPE.encode()).search
Text = TypeVar("Text", str, bytes)


class Secret(str):
    r"""
    A text whose content is a placeholder for all but `encode`, which gives the bytes of the real one.

    Python's http.client calls `encode` on the value of a header, so a secret can be sent like any text. Printed,
    sliced, joined, formatted or turned into JSON it is the placeholder; copied or pickled it is an error. White space
    around the real text is dropped. What is no text becomes an empty secret: an error about it here would show it.

    Example:
        >>> token = Secret(" dop_v1_0123456789\n")
        >>> token, f"{token}", token[7:], token.encode(), bool(Secret(" "))
        (<token hidden>, '<token hidden>', 'hidden>', b'dop_v1_0123456789', False)
    """

    # What leads to the real text are methods written in C: they are shown without it, and no frame of theirs has it.
    __slots__ = ("_encoded", "_redacted")
    _encoded: Callable[[str, str], bytes]
    _redacted: Callable[[str], str] | None

    def __new__(cls, text: object) -> Self:
        """Hide *text*; a secret stays the one that it is."""
        if isinstance(text, cls):
            return text
        secret = super().__new__(cls, HIDDEN)
        secret._encoded = (text if isinstance(text, str) else "").strip().encode
        secret._redacted = None
        return secret

    def __repr__(self) -> str:
        """Return the placeholder."""
        return HIDDEN

    def __bool__(self) -> bool:
        """Return whether there is a real text."""
        return self._encoded("utf-8", "surrogatepass") != b""

    def __eq__(self, other: object) -> bool:
        """Return whether it is the same object: the placeholders of all secrets are equal."""
        return self is other

    def __ne__(self, other: object) -> bool:
        """Return whether it is another object."""
        return self is not other

    def __hash__(self) -> int:
        """Return a hash that says nothing of the text."""
        return id(self)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse to be copied: a pickle would be the token in a file."""
        raise TypeError("A token cannot be copied or pickled; connect again where it is needed.")

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the bytes of the real text, for http.client and for hashes."""
        return self._encoded(encoding, errors)

    @property
    def is_one_word(self) -> bool:
        """True if the real text is one word of printable ASCII, as each token is."""
        return re.fullmatch(rb"[!-~]+", self._encoded("utf-8", "surrogatepass")) is not None

    def after(self, prefix: str) -> Secret:
        """Return another secret: this one after a prefix, such as the scheme of a header."""
        return Secret(prefix + self._encoded("utf-8", "strict").decode())

    def redact(self, text: Text) -> Text:
        r"""
        Return a text without the secret, also where JSON has characters of it escaped.

        Example:
            >>> Secret("dop_v1_0123456789").redact(r'{"message": "\u0064op_v1_0123456789 is unknown"}')
            '{"message": "[token] is unknown"}'
        """
        if len(self._encoded("ascii", "ignore")) < _SHORTEST_REDACTED:
            return text
        if isinstance(text, bytes):
            text = text.replace(self._encoded("ascii", "ignore"), REDACTED.encode())
            return self._without_escaped(text.decode("latin-1")).encode("latin-1") if _ESCAPED_BYTES(text) else text
        text = text.replace(self._encoded("ascii", "ignore").decode(), REDACTED)
        return self._without_escaped(text) if _ESCAPED(text) else text

    def _without_escaped(self, text: str) -> str:
        if self._redacted is None:
            self._redacted = _redaction(self._encoded("ascii", "ignore").decode())
        return self._redacted(text)


def _redaction(real: str) -> Callable[[str], str]:
    return partial(re.compile("".join(map(_in_each_spelling, real))).sub, REDACTED)


def _in_each_spelling(character: str) -> str:
    # Several backslashes: JSON within JSON. A bound, since a run of them without an end would take its length squared.
    digits = "".join(f"[{digit}{digit.upper()}]" for digit in f"{ord(character):04x}")
    slash = r"\\{1,4}/|" if character == "/" else ""
    return rf"(?:\\{{1,4}}u{digits}|{slash}{re.escape(character)})"
