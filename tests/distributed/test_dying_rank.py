"""A process of several dies: the job ends with its error on top, or goes on from the newest resume point."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmseg_custom.io.checkpoints.checkpoint_file import load_weights

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
# Takes one rank's life at an iteration, the first time only.
DYING = """
import os, signal
from mmengine.hooks import Hook
from mmseg.registry import HOOKS

@HOOKS.register_module()
class Dying(Hook):
    def __init__(self, rank, how):
        self.rank, self.how = rank, how

    def before_train_iter(self, runner, *args, **kwargs):
        if (runner.rank, runner.iter, os.environ['TORCHELASTIC_RESTART_COUNT']) == (self.rank, 3, '0'):
            if self.how == 'killed':
                os.kill(os.getpid(), signal.SIGKILL)
            raise ValueError('a rank of its own mind')
"""
CONFIG = """
_base_ = './tiny_stage1.py'
custom_imports = dict(imports=['mmseg_custom', 'dying'], allow_failed_imports=False)
train_cfg = dict(max_epochs=4)
default_hooks = dict(checkpoint=dict(interval_iters=1), fold_average=dict(stage_dir='work_dirs/{name}_stage'))
custom_hooks = {hooks}
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def start(tiny_recipe):
    Path('dying.py').write_text(DYING)

    def start(name, port, restarts=0, **dying):
        hooks = [dict(type='Dying', **dying)] if dying else []
        (tiny_recipe / f'{name}.py').write_text(CONFIG.format(name=name, hooks=hooks))
        path = f'{Path(sys.executable).parent}:{os.environ["PATH"]}'
        environment = {'PATH': path, 'PORT': str(port), 'MAX_RESTARTS': str(restarts), 'PYTHONPATH': '.'}
        output = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT, 'text': True}
        command = [TOOLS / 'dist_train.sh', f'recipe/{name}.py', '2']
        done = subprocess.run(command, env=os.environ | environment, timeout=300, **output)
        return done.returncode, done.stdout

    return start


@pytest.mark.parametrize(
    ('rank', 'how', 'reason'),
    [(1, 'raises', 'ValueError: a rank of its own mind'), (0, 'killed', 'Signal 9 (SIGKILL)')],
)
def test_the_job_ends_with_the_error_of_the_rank_that_died(start, rank, how, reason):
    code, output = start('run', 29621, rank=rank, how=how)
    assert code == 1
    cause = output.partition('Root Cause')[2]
    assert f'rank      : {rank} ' in cause and reason in cause, output[-4000:]


def test_restarted_equals_uninterrupted(start):
    assert start('whole', 29622)[0] == 0
    code, output = start('cut', 29623, restarts=1, rank=1, how='killed')
    assert code == 0, output[-4000:]
    assert 'resumed epoch: 1, iter: 3' in output, output[-4000:]
    whole, cut = (load_weights(f'work_dirs/{name}_stage/winner.pth') for name in ('whole', 'cut'))
    assert all(torch.equal(cut[key], value) for key, value in whole.items())
