"""`python -m doaudit` is the command line."""

import sys

from doaudit.cli import main

sys.exit(main())
