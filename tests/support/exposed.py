"""Everything that tools show of an exception: its chain, its frames, and the variables in them."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from types import FunctionType, MethodType

TESTS = str(Path(__file__).parents[1])
OPENED = ("doaudit.", "requests.", "urllib3.", "http.")
DEEPEST = 6


def raised_by(ask):
    """Return what a function raises; the frame of this one is the first of it."""
    try:
        ask()
    except BaseException as fault:  # noqa: BLE001 -- Ctrl-C as well
        return fault
    raise AssertionError("Nothing was raised.")


def chain(fault):
    """Return an exception and all behind it: causes, contexts, and those that are arguments of others."""
    found, left = [], [fault]
    while left:
        each = left.pop()
        if isinstance(each, BaseException) and not any(each is known for known in found):
            found.append(each)
            left += [each.__cause__, each.__context__, *each.args, getattr(each, "reason", None)]
    return found


def frames(fault):
    """Return the frames of an exception and of all behind it, except for those of the tests."""
    walked = (frame for each in chain(fault) for frame, _ in traceback.walk_tb(each.__traceback__))
    return [frame for frame in walked if not frame.f_code.co_filename.startswith(TESTS)]


def places_of(text, fault):
    """Return where a text is within reach: the names of functions and of their variables."""
    return [
        f"{frame.f_code.co_qualname}: {name}"
        for frame in frames(fault)
        for name, value in frame.f_locals.items()
        if _has(text, value, set(), 0)
    ]


def _has(text, value, seen, depth):
    if id(value) in seen or depth > DEEPEST:
        return False
    seen.add(id(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return text.encode() in bytes(value)
    with suppress(AttributeError):  # of what is only half made
        if text in repr(value) or (isinstance(value, str) and text in str(value)):
            return True
    return any(_has(text, part, seen, depth + 1) for part in _parts(value))


def _parts(value):
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, MethodType | FunctionType):
        return [getattr(value, "__self__", None), *(cell.cell_contents for cell in value.__closure__ or ())]
    if isinstance(value, BaseException):
        return [*value.args, *vars(value).values()]
    if not type(value).__module__.startswith(OPENED):
        return []
    slots = [getattr(value, name, None) for kind in type(value).__mro__ for name in vars(kind).get("__slots__", ())]
    return [*slots, *getattr(value, "__dict__", {}).values()]


def _by_traceback(fault):
    return "".join(traceback.TracebackException.from_exception(fault, capture_locals=True).format())


def _by_ipython(fault):
    from IPython.core.ultratb import VerboseTB  # noqa: PLC0415 -- slow to import

    return VerboseTB().text(type(fault), fault, fault.__traceback__, context=15)


def _by_cgitb(fault):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import cgitb  # noqa: PLC0415 -- not in every Python

    every = [each for each in chain(fault) if each.__traceback__ is not None]
    return "".join(cgitb.text((type(each), each, each.__traceback__), 15) for each in every)


def _by_rich(fault):
    from rich.console import Console  # noqa: PLC0415 -- not always there
    from rich.traceback import Traceback  # noqa: PLC0415 -- the same

    to = io.StringIO()
    limits = {"locals_max_length": 1000, "locals_max_string": 100_000, "max_frames": 1000}
    shown = Traceback.from_exception(type(fault), fault, fault.__traceback__, show_locals=True, **limits)
    Console(file=to, width=5000).print(shown)
    return to.getvalue()


TOOLS = {
    "traceback": _by_traceback,
    "IPython": _by_ipython,
    **({"cgitb": _by_cgitb} if sys.version_info < (3, 13) else {}),
    **({"rich": _by_rich} if importlib.util.find_spec("rich") else {}),
}
"""Tools that show the variables of frames, by name; each returns its text about an exception."""


def shown(tool, fault):
    """Return what a tool shows of an exception, without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", TOOLS[tool](fault))
