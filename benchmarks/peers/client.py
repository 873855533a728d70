"""Our side of the peers: one process of another environment, or the word that it is not there."""

import subprocess
import sys
from pathlib import Path

from benchmarks.frame import Contender
from benchmarks.options import ROOT
from benchmarks.worker import Worker, WorkerError

ENVIRONMENT = ROOT / '.venv-benchmarks'
REQUIREMENTS = Path(__file__).resolve().parent.parent / 'requirements.txt'
PACKAGES = ('torch', 'monai', 'segmentation-models-pytorch', 'albumentations')
LIST_VERSIONS = f"""
import importlib.metadata as metadata
for name in {PACKAGES}:
    try:
        print(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        pass
"""


class Peers:
    """The packages we are compared with that are not in our environment.

    Args:
        python: Interpreter of their environment; ``None`` where there is none.
    """

    def __init__(self, python: str | None) -> None:
        self.python = python
        self._worker: Worker | None = None

    @classmethod
    def installed(cls, python: str | None = None, install: bool = False) -> 'Peers':
        """The environment of ``python``, or our own for them, made if ``install`` says so."""
        own = ENVIRONMENT / 'bin' / 'python'
        if install and not own.is_file():
            subprocess.run([sys.executable, '-m', 'venv', str(ENVIRONMENT)], check=True)
            subprocess.run([str(own), '-m', 'pip', 'install', '--quiet', '-r', str(REQUIREMENTS)], check=True)
        return cls(python or (str(own) if own.is_file() else None))

    def versions(self) -> dict[str, str]:
        """Package and version of all that is there."""
        if self.python is None:
            return {}
        listed = subprocess.run([self.python, '-c', LIST_VERSIONS], check=True, capture_output=True, text=True)
        return dict(line.split() for line in listed.stdout.splitlines())

    def contender(self, name: str, **arguments: object) -> Contender:
        """A peer ready to run, or one that says why it cannot."""
        if self.python is None:
            return Contender(name, 'peer', None, 'not installed')
        self._worker = self._worker or Worker(self.python, 'benchmarks.peers')
        worker = self._worker
        try:
            worker.ask(prepare=name, **arguments)
        except WorkerError as error:
            missing = str(error).startswith(('ModuleNotFoundError', 'ImportError'))
            return Contender(name, 'peer', None, 'not installed' if missing else str(error))
        return Contender(name, 'peer', lambda: worker.ask(run=name)['seconds'], elsewhere=arguments)

    def close(self) -> None:
        """End their process."""
        if self._worker is not None:
            self._worker.close()
