"""What a fold costs beside its training, in a recipe of short folds; measured by ``benchmarks/fold_start.py``."""

import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from benchmarks.fold_start import TRAINING, measure
from benchmarks.frame import Case, Contender, Trial, timed
from benchmarks.options import ROOT, Options
from benchmarks.peers.client import Peers

BESIDE = 'a fold beside its training'
IMPORTS = 'import torch, mmengine.runner, mmseg.models, mmseg_custom'


def cases(options: Options, peers: Peers) -> Iterator[Case]:
    folds = 3 if options.quick else 25
    work = f'a fold of {folds} short ones in tools/run_recipe.py, without its training'
    yield Case('fold_start', work, lambda: build(folds), rounds=1)


def build(folds: int) -> Trial:
    @cache
    def parts() -> dict[str, list[float]]:
        with tempfile.TemporaryDirectory() as folder:
            return measure(Path(folder), Namespace(folds=folds, epochs=1, images=40))

    def new_interpreter() -> None:
        subprocess.run([sys.executable, '-c', IMPORTS], cwd=ROOT, check=True, capture_output=True)

    contenders = [
        Contender(BESIDE, 'ours', lambda: parts()[BESIDE][0]),
        Contender('the same in CPU seconds', 'option', lambda: parts()[BESIDE][1]),
        Contender('its training and validation', 'option', lambda: sum(parts()[name][0] for name in TRAINING)),
        Contender('a new interpreter that imports it all', 'peer', timed(new_interpreter)),
    ]
    return Trial(contenders, lambda: None)
