"""The command that runs a recipe is asked to stop: it saves, leaves with 75, and goes on to the same end."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from kill_harness import Fault, KillHarness

from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.recipe import Recipe

RUN_RECIPE = Path(__file__).resolve().parents[2] / 'tools' / 'run_recipe.py'
# Each image takes a worker so long that there is time to ask while candidates are scored.
SLOW = """
import time
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

@TRANSFORMS.register_module()
class Wait(BaseTransform):
    def transform(self, results):
        time.sleep(1)
        return results
"""
SLOW_SCORING = """
custom_imports = dict(imports=['mmseg_custom', 'slow'], allow_failed_imports=False)
test_dataloader = dict(num_workers=2, dataset=dict(pipeline=[dict(type='Wait')] + test_pipeline, **data))
"""
# The command alone or all its processes at once; in training, in the last fold that fuses, in the job that fuses.
ASKED = [
    Fault('main', file='tiny_stage1/iter_*.pth', number=signal.SIGTERM),
    Fault('group', file='tiny_stage2_fold2/iter_*.pth', number=signal.SIGUSR1),
    Fault('main', file='tiny/stage2/fusing.lease', number=signal.SIGTERM),
    Fault('group', file='tiny/stage2/fusing.lease', number=signal.SIGUSR1),
]


@pytest.mark.slow
def test_asked_to_stop_at_every_turn_it_leaves_with_75_and_ends_the_same(tiny_recipe, monkeypatch):
    command = KillHarness([sys.executable, RUN_RECIPE, tiny_recipe, '--jobs', '2'])
    Recipe(Plan(tiny_recipe), LocalPool(2), print).run()
    expected = command.outcome()
    shutil.rmtree('work_dirs')
    Path('slow.py').write_text(SLOW)
    monkeypatch.setenv('PYTHONPATH', str(Path.cwd()), prepend=os.pathsep)
    with (tiny_recipe / 'tiny_stage2.py').open('a') as file:
        file.write(SLOW_SCORING)
    for fault in ASKED:
        assert command.run(fault) == (True, 75), f'{fault}\n{command.log.read_text()[-2000:]}'
        assert 'the same command goes on from there' in command.log.read_text().splitlines()[-1]
    assert command.run() == (False, 0), command.log.read_text()[-2000:]
    assert command.outcome() == expected
