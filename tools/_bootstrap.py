"""Imported first by every tool: finds the checkout; imports nothing heavy."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.append(str(Path.cwd()))  # Modules of a project, named by custom_imports, lie where the user stands.

from mmseg_kfold.entry import run_command as run

__all__ = ['run']
