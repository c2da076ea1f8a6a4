"""The command that serves the simulated account to other tools: `doaudit demo`."""

from __future__ import annotations

import contextlib
from typing import Any

import click

from doaudit.cli.group import Command
from doaudit.cli.streams import show
from doaudit.clock import SystemClock
from doaudit.errors import DoauditError

__all__ = ["COMMANDS"]


@click.command("demo", cls=Command, help="serve the simulated account on this machine for other tools")
@click.option("--port", type=int, default=8089, help="0 takes a free one (8089)")
@click.option("--seed", type=int, default=7, help="another seed is another company (7)")
@click.option("--actions", type=int, metavar="N", help="size of its history, for tools that read slowly (52,292)")
@click.option("--hostile-names", is_flag=True, help="name a few droplets with markup, a formula, control characters")
@click.option("--quiet", is_flag=True, help="a company in which nothing happens that an audit is to find")
@click.option("--speed", type=float, default=1.0, help="simulated seconds a second (1)")
def _demo(port: int, seed: int, speed: float, **options: Any) -> int:  # noqa: ANN401 -- click's values, by name
    from doaudit.demo import serve  # noqa: PLC0415 -- Flask is loaded only where it serves

    try:
        served = serve(port=port, seed=seed, speed=speed, announced=True, **options)
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


COMMANDS = (_demo,)
