"""Write locks/*.txt: every package at one version with its hashes, for each system and Python we support."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Smaller sets are cut out of the largest, so that one virtual environment can grow from one to the next.
SETS = {
    "dev": ["--extra", "dev"],
    "lab": ["--extra", "lab", "-c", "locks/dev.txt"],
    "audit": ["--extra", "demo", "-c", "locks/dev.txt"],
    "engines": ["--extra", "dev", "--extra", "engines", "-c", "locks/dev.txt"],
    "oldest": ["--extra", "dev", "locks/oldest.in"],
}

for name, options in SETS.items():
    print(f"locks/{name}.txt", flush=True)
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"),
            *("--python-version", "3.11", "--upgrade", "--no-header", "--no-annotate"),
            *("--output-file", f"locks/{name}.txt", "pyproject.toml", "locks/build.in", *options),
        ],
        cwd=ROOT,
        check=True,
    )
