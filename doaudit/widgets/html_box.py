"""A framed box in HTML, as the panels' stylesheet draws it."""

from __future__ import annotations

__all__ = ["box"]


def box(kind: str, content: str, *, role: str = "") -> str:
    """
    Put HTML into a frame whose colour says how good the news is.

    Args:
        kind: 'good', 'bad', 'warn' or 'info'.
        content: HTML; texts in it are escaped already.
        role: an ARIA role such as 'status' or 'alert', which screen readers announce; by default none.

    Example:
        >>> box("good", "<p>Done.</p>", role="status")
        '<div class="da-box da-good" role="status"><p>Done.</p></div>'
    """
    role_attribute = f' role="{role}"' if role else ""
    return f'<div class="da-box da-{kind}"{role_attribute}>{content}</div>'
