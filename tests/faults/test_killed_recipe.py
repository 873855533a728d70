"""The command that runs a recipe, killed again and again: see `python -m tests.faults.campaign` for the long run."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from kill_harness import Fault, KillHarness

RUN_RECIPE = Path(__file__).with_name('run_recipe_without_report.py')
# The command alone, whose workers have to end by themselves; one of its processes while it validates; all of them
# while candidates are scored.
ONE_OF_EACH = [
    Fault('main', file='tiny_stage1/run.json'),
    Fault('any', file='*/iter_*.pth', seconds=0.02),
    Fault('group', file='tiny/stage2/fusing.lease'),
]


def harness(recipe, jobs=(2,), seed=0):
    command = [sys.executable, RUN_RECIPE, recipe, '--jobs']
    return KillHarness(*([*command, number] for number in jobs), seed=seed)


@pytest.fixture
def four_folds(tiny_recipe):
    for path in tiny_recipe.glob('tiny_stage?.py'):
        path.write_text(
            path.read_text().replace('num_folds=3', 'num_folds=4').replace('num_folds = 3', 'num_folds = 4')
        )
    return tiny_recipe


def test_killed_recipe_goes_on_and_ends_the_same(finished_recipe):
    killed = harness(finished_recipe)
    expected = killed.outcome()
    assert len(expected) == 8
    shutil.rmtree('work_dirs')
    assert killed.strike(ONE_OF_EACH, expected) == len(ONE_OF_EACH), killed.log.read_text()


@pytest.mark.slow
def test_campaign(four_folds, capfd):
    faults, seed = int(os.environ.get('FAULTS', 40)), int(os.environ.get('SEED', 0))

    def say(score):
        with capfd.disabled():
            print(score, flush=True)

    score = harness(four_folds, (2, 4), seed).campaign(faults, say)
    assert score.lost == 0, Path('kill_harness.log').read_text()
