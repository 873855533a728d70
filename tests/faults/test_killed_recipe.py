"""The command that runs a recipe, killed at random: see `python -m tests.faults.campaign` for the long run."""

import os
import sys
from pathlib import Path

import pytest
from kill_harness import Fault, KillHarness

RUN_RECIPE = Path(__file__).resolve().parents[2] / 'tools' / 'run_recipe.py'


def harness(recipe, seed):
    return KillHarness([sys.executable, RUN_RECIPE, recipe, '--jobs', '2'], seed)


def test_killed_recipe_goes_on_and_ends_the_same(tiny_recipe):
    score = harness(tiny_recipe, seed=1).campaign(5)
    assert (score.tried, score.lost) == (5, 0), Path('kill_harness.log').read_text()


def test_workers_of_a_killed_command_end_by_themselves(tiny_recipe):
    assert harness(tiny_recipe, seed=0).run(Fault('main', file='tiny_stage1/run.json')) == (True, -9)


@pytest.mark.slow
def test_campaign(tiny_recipe, capfd):
    faults, seed = int(os.environ.get('FAULTS', 40)), int(os.environ.get('SEED', 0))
    score = harness(tiny_recipe, seed).campaign(faults)
    with capfd.disabled():
        print(f'\n{score}', flush=True)
    assert score.lost == 0, Path('kill_harness.log').read_text()
