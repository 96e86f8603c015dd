"""``python -m repair`` is the ``mt-repair`` command."""

import sys

from .cli import main

sys.exit(main())
