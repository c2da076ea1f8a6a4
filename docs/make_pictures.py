"""Draw the README's pictures from the simulated account, on a clock that stands still."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

import doaudit as da
from doaudit.demo import serve

FOLDER = Path(__file__).parent / "pictures"

FOLDER.mkdir(exist_ok=True)
with serve(speed=0) as server, da.connect(token=server.token, base_url=server.url) as account:
    actions = account.actions()

spread = da.duration_distribution(actions)
drawings = {
    "durations": lambda ax: da.plots.durations(da.durations(actions), distribution=spread, ax=ax),
}
for name, draw in drawings.items():
    figure = Figure(figsize=(9, 5), layout="constrained")
    draw(figure.subplots())
    figure.savefig(FOLDER / f"{name}.png", dpi=110, metadata={"Software": None})
    print(FOLDER / f"{name}.png")
