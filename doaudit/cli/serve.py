"""The command that serves the simulated account to other tools: `doaudit demo`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from doaudit.cli.streams import show
from doaudit.clock import SystemClock
from doaudit.errors import DoauditError

if TYPE_CHECKING:
    import argparse

    from doaudit.cli.options import Commands

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Describe the command."""
    demo = commands.add_parser("demo", help="serve the simulated account on this machine for other tools")
    demo.add_argument("--port", type=int, default=8089, help="0 takes a free one (8089)")
    demo.add_argument("--seed", type=int, default=7, help="another seed is another company (7)")
    demo.add_argument(
        "--actions", type=int, metavar="N", help="size of its history, for tools that read slowly (52,292)"
    )
    demo.add_argument(
        "--hostile-names", action="store_true", help="name a few droplets with markup, a formula, control characters"
    )
    demo.add_argument(
        "--quiet", action="store_true", help="a company in which nothing happens that an audit is to find"
    )
    demo.add_argument("--speed", type=float, default=1.0, help="simulated seconds a second (1)")
    demo.set_defaults(run=_demo)


def _demo(parsed: argparse.Namespace) -> int:
    from doaudit.demo import serve  # noqa: PLC0415 -- Flask is loaded only where it serves

    try:
        served = serve(
            seed=parsed.seed,
            port=parsed.port,
            speed=parsed.speed,
            actions=parsed.actions,
            hostile_names=parsed.hostile_names,
            quiet=parsed.quiet,
        )
    except (OSError, ValueError) as fault:  # the simulated account stands apart and knows none of our errors
        raise DoauditError(str(fault)) from None
    with served as server:
        show(f"A simulated DigitalOcean account answers at {server.url} until Ctrl-C. For other tools:")
        show(f"  export DIGITALOCEAN_API_URL={server.url}")
        show(f"  export DIGITALOCEAN_TOKEN={server.token}")
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                SystemClock().wait(3600)
    return 0
