"""Importing `doaudit.demo` loads none of its modules."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_package_loads_no_flask():
    """`import doaudit.demo` loads neither Flask nor the world; they are loaded on first use."""
    program = "import sys, doaudit.demo; print('flask' in sys.modules, 'doaudit.demo.world.world' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)

    assert done.stdout.split() == ["False", "False"]
