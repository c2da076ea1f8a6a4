"""
Slices of JSON text: the members of an object or the elements of an array, each as its own text.

Nothing is decoded and nothing recurses, so that one member that no decoder accepts (a number of 5,000 digits, brackets
100,000 deep) does not take the others with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["elements", "members"]

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},:]', re.DOTALL)
_BLANKS = b" \t\r\n"


def members(text: bytes) -> dict[bytes, bytes]:
    r"""
    Return the members of a JSON object: each value's text by the text of its key, without the quotes.

    Raises:
        ValueError: it is no whole object.

    Example:
        >>> members(b'{"id": 7, "region": {"slug": "fra1"}}')
        {b'id': b'7', b'region': b'{"slug": "fra1"}'}
    """
    found = {}
    for part, colon in _parts(text, b"{", b"}"):
        key = part[:colon].strip(_BLANKS)
        if colon < 0 or not (key.startswith(b'"') and key.endswith(b'"')):
            raise ValueError("a member of an object has no name")
        found[key[1:-1]] = part[colon + 1 :].strip(_BLANKS)
    return found


def elements(text: bytes) -> list[bytes]:
    """
    Return the elements of a JSON array, each as its text.

    Raises:
        ValueError: it is no whole array.

    Example:
        >>> elements(b'[1, {"id": [2, 3]}, "a,b"]')
        [b'1', b'{"id": [2, 3]}', b'"a,b"']
    """
    return [part.strip(_BLANKS) for part, _ in _parts(text, b"[", b"]")]


def _parts(text: bytes, opening: bytes, closing: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the parts between the commas of the outermost bracket, each with the place of its first colon, or -1."""
    text = text.strip(_BLANKS)
    if not (text.startswith(opening) and text.endswith(closing)):
        raise ValueError(f"there is no {opening.decode()} at its beginning, or no {closing.decode()} at its end")
    begin, colon, depth = 1, -1, 0
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in {b"[", b"{"}:
            depth += 1
        elif sign in {b"]", b"}"}:
            depth -= 1
            if depth == 0 and token.end() < len(text):
                raise ValueError("there is more after its end")
        elif depth == 1 and sign == b":" and colon < 0:
            colon = token.start() - begin
        elif depth == 1 and sign == b",":
            yield text[begin : token.start()], colon
            begin, colon = token.end(), -1
    if depth != 0:
        raise ValueError("it is cut short")
    last = text[begin:-1]
    if last.strip(_BLANKS):
        yield last, colon
