"""The body of an answer: read piece by piece, unpacked, and bounded in size however it is packed."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from urllib3.response import BaseHTTPResponse

    from doaudit.api.deadline import Watch

__all__ = ["ACCEPTED", "MAX_BODY_BYTES", "BodyRefused", "read_body"]

MAX_BODY_BYTES = 64 * 2**20
ACCEPTED = "gzip, deflate"
_PIECE_BYTES = 2**16
_PACKED = {"gzip", "x-gzip", "deflate"}
_PLAIN = {"", "identity"}


class BodyRefused(Exception):
    """The body cannot be taken as the answer; the text says why, in words of our own."""


def read_body(raw: BaseHTTPResponse, watch: Watch) -> bytes:
    """
    Read the whole body, unpacked if the answer is gzip or deflate.

    Unpacking is done here and not by urllib3: that bounds the memory it takes only in its latest versions, accepts half
    of a gzip stream as a whole one, and unpacks what was packed five times over, which can take for ever.

    Raises:
        BodyRefused: it is too large, incomplete, packed in a way that was not asked for, or its time is up.
        Exception: what urllib3, http.client, ssl and zlib raise.
    """
    packed = raw.headers.get("content-encoding", "").strip().lower()
    if packed not in _PACKED | _PLAIN:
        raise BodyRefused("the answer was packed in a way that was not asked for")
    pieces = _bounded(raw.stream(_PIECE_BYTES, decode_content=False), watch)
    if packed in _PACKED:
        pieces = _bounded(_unpacked(pieces), watch)
    body = io.BytesIO()
    for piece in pieces:
        body.write(piece)
    return body.getvalue()


def _bounded(pieces: Iterable[bytes], watch: Watch) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise BodyRefused(f"the answer was larger than {MAX_BODY_BYTES // 2**20} MB")
        if watch.was_cut:  # unpacking could go on for long without needing the socket
            raise BodyRefused("the answer was cut short")
        yield piece


def _unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    stream = _new_stream()
    begun = False
    for piece in pieces:
        begun, packed = True, piece
        while packed:
            if stream.eof:  # a gzip body may consist of several
                stream = _new_stream()
            yield stream.decompress(packed, _PIECE_BYTES)
            packed = stream.unconsumed_tail or stream.unused_data
    yield stream.flush()
    if begun and not stream.eof:
        raise BodyRefused("the answer was cut short")


def _new_stream() -> zlib._Decompress:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: tells gzip and deflate apart by itself
