"""The body of a response: read piece by piece, decompressed, and bounded in size however it is compressed."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from urllib3.response import BaseHTTPResponse

    from doaudit.api.deadline import Watch

__all__ = ["ACCEPTED_ENCODINGS", "MAX_BODY_BYTES", "BodyRefused", "read_body"]

MAX_BODY_BYTES = 64 * 2**20
ACCEPTED_ENCODINGS = "gzip, deflate"
_PIECE_BYTES = 2**16
_COMPRESSED_ENCODINGS = {"gzip", "x-gzip", "deflate"}
_PLAIN_ENCODINGS = {"", "identity"}


class BodyRefused(Exception):
    """The body is no response to use; the text says why, without quoting it."""


def read_body(raw: BaseHTTPResponse, watch: Watch) -> bytes:
    """
    Read the whole body, decompressed if the response is gzip or deflate.

    This is done here and not by urllib3, which bounds the memory it takes only in its latest versions, accepts half of
    a gzip stream as a whole one, and decompresses what was compressed five times over, which can take for ever.

    Args:
        raw: the response, with its body not yet read.
        watch: of the request.

    Raises:
        BodyRefused: it is above 64 MB, incomplete, compressed in a way that was not asked for, or its time is up.
        Exception: what urllib3, http.client, ssl and zlib raise.
    """
    encoding = raw.headers.get("content-encoding", "").strip().lower()
    if encoding not in _COMPRESSED_ENCODINGS | _PLAIN_ENCODINGS:
        raise BodyRefused("the response was compressed in a way that was not asked for")
    pieces = _bounded(raw.stream(_PIECE_BYTES, decode_content=False), watch)
    if encoding in _COMPRESSED_ENCODINGS:
        pieces = _bounded(_decompressed(pieces), watch)
    body = io.BytesIO()
    for piece in pieces:
        body.write(piece)
    return body.getvalue()


def _bounded(pieces: Iterable[bytes], watch: Watch) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise BodyRefused(f"the response was larger than {MAX_BODY_BYTES // 2**20} MB")
        if watch.was_cut:  # decompressing could go on for long without needing the socket
            raise BodyRefused("the response was cut short")
        yield piece


def _decompressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    stream = _new_stream()
    begun = False  # a response without a body is not incomplete
    for piece in pieces:
        begun, rest = True, piece
        while rest:
            if stream.eof:  # a gzip body may consist of several streams
                stream = _new_stream()
            yield stream.decompress(rest, _PIECE_BYTES)
            rest = stream.unconsumed_tail or stream.unused_data
    yield stream.flush()
    if begun and not stream.eof:
        raise BodyRefused("the response was cut short")


def _new_stream() -> zlib._Decompress:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: tells gzip and deflate apart by itself
