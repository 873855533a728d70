"""Imported first by every tool: finds the checkout, and says in one line what is missing to run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

try:
    import mmseg_custom  # noqa: F401
except ImportError as error:
    raise SystemExit(f'{Path(sys.argv[0]).name}: {error}') from None
