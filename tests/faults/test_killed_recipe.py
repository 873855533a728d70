"""The command that runs a recipe, killed again and again: see `python -m tests.faults.campaign` for the long run."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from kill_harness import Fault, KillHarness

from mmseg_custom.stages import LocalPool, Plan, Recipe

RUN_RECIPE = Path(__file__).resolve().parents[2] / 'tools' / 'run_recipe.py'
# The command alone, whose workers have to end by themselves; one of its processes; all of them while the folds fuse.
ONE_OF_EACH = [
    Fault('main', file='tiny_stage1/run.json'),
    Fault('any', file='*/*_[0-9].pth'),
    Fault('group', file='tiny/stage2/all_folds.pth'),
]


def harness(recipe, seed=0):
    return KillHarness([sys.executable, RUN_RECIPE, recipe, '--jobs', '2'], seed)


def test_killed_recipe_goes_on_and_ends_the_same(tiny_recipe):
    killed = harness(tiny_recipe)
    Recipe(Plan(tiny_recipe), LocalPool(2), print).run()
    expected = killed.outcome()
    assert len(expected) == 8
    shutil.rmtree('work_dirs')
    assert killed.strike(ONE_OF_EACH, expected) == len(ONE_OF_EACH), killed.log.read_text()


@pytest.mark.slow
def test_campaign(tiny_recipe, capfd):
    faults, seed = int(os.environ.get('FAULTS', 40)), int(os.environ.get('SEED', 0))
    score = harness(tiny_recipe, seed).campaign(faults)
    with capfd.disabled():
        print(f'\n{score}', flush=True)
    assert score.lost == 0, Path('kill_harness.log').read_text()
