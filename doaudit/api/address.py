"""Checks of the base URL that a token is sent to, and of the token itself."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from doaudit.errors import InvalidArgument, TokenMissing, UnsafeAddress
from doaudit.secret import Secret

__all__ = ["DEFAULT_URL", "checked_token", "is_loopback", "safe_address"]

DEFAULT_URL = "https://api.digitalocean.com"


def checked_token(token: object) -> Secret:
    r"""
    Return the token as a secret, without the white space around it that copying leaves.

    Raises:
        TokenMissing: nothing is left, or it is no text.
        InvalidArgument: it has a character that no token has; the message does not quote the token.

    Example:
        >>> len(checked_token(" dop_v1_" + "0" * 64 + "\n").encode())
        71
    """
    token = Secret(token)  # from here on no frame has the real one, whatever is raised
    if not token:
        raise TokenMissing(
            "The token is empty, or not a text. Put a token into DIGITALOCEAN_TOKEN, or work without one on the "
            "simulated account: doaudit.demo()."
        )
    if not token.is_one_word:
        raise InvalidArgument(
            "The token has a blank, a line break or another character that no DigitalOcean token has, and cannot be "
            "sent. Copy it again, whole and alone."
        )
    return token


def safe_address(base_url: str) -> str:
    """
    Return the base URL in one form: without a trailing slash, without /v2.

    Raises:
        UnsafeAddress: it is no URL, holds a login, or would carry the token unencrypted to another machine.

    Example:
        >>> safe_address("https://api.digitalocean.com/v2/")
        'https://api.digitalocean.com'
    """
    advice = "Set DIGITALOCEAN_API_URL (or base_url) to an address such as https://api.digitalocean.com."
    try:
        parts = urlsplit(base_url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"}:
        raise UnsafeAddress(f"The base URL is not an http or https address. {advice}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UnsafeAddress(f"The base URL for {host} holds a login, a query or a fragment. {advice}")
    if parts.scheme == "http" and not is_loopback(host):
        raise UnsafeAddress(
            f"The base URL would send the token unencrypted over http to {host}. Use https; plain http is only for "
            "a server on this machine (127.0.0.1, localhost or ::1)."
        )
    path = parts.path.rstrip("/").removesuffix("/v2").rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def is_loopback(host: str) -> bool:
    """
    Return whether a host is this machine.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("localhost.example.com")
        (True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
