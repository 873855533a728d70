"""A disk that fills up in the middle of a run: what is good stays, and with space again the run ends as without."""

import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest
from mmengine.hooks import Hook
from mmseg.visualization import SegLocalVisualizer

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.io.checkpoints.checkpoint_file import check_resume_point, hash_weights, load_weights
from mmseg_custom.io.files import WriteError
from mmseg_custom.ledger.stage_ledger import StageLedger

WORK_DIR, STAGE_DIR = Path('work_dirs/tiny_stage1'), Path('work_dirs/tiny/stage1')
FILLER = Path('work_dirs/filler')
EPOCHS = {'train_cfg.max_epochs': 3}
# Bytes that logs and records stay below, and no checkpoint does.
LIMIT = 48 << 10


class AtEvent(Hook):
    """Calls a function at an event of an epoch (from 1)."""

    priority = 'HIGHEST'

    def __init__(self, event, epoch, act):
        setattr(self, event, lambda runner, **kwargs: runner.epoch + 1 == epoch and act())


def fill():
    with FILLER.open('wb', buffering=0) as file:
        for size in (1 << 16, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@pytest.fixture
def disk(place):
    """A file system of eight megabytes at `work_dirs`; functions that fill it, and that make some."""
    Path('work_dirs').mkdir()
    mount = ['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', 'work_dirs']
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip('mounting needs root')
    yield fill, FILLER.unlink
    subprocess.run(['umount', '--lazy', 'work_dirs'], check=True)  # Logs of this process are open.


@pytest.fixture
def quota(place):
    """Functions that limit the size of files of this process, and that lift the limit."""
    yield lambda: limit(LIMIT), lambda: limit(resource.RLIM_INFINITY)
    limit(resource.RLIM_INFINITY)


def train(recipe, event=None, epoch=0, act=None):
    """The command of a run that goes on where it was, as if in a process of its own."""
    SegLocalVisualizer._instance_dict.clear()
    cfg = load_run_config(recipe / 'tiny_stage1.py', cfg_options=EPOCHS)
    cfg.resume = True
    prepare(cfg)
    runner = build_runner(cfg)
    if event:
        runner.register_hook(AtEvent(event, epoch, act))
    runner.train()
    return load_weights(StageLedger(STAGE_DIR).winner_path)


# In an epoch, behind its validation, behind the last one, where no file is large any more.
@pytest.mark.parametrize(
    ('kind', 'moments'),
    [
        ('disk', [('before_train_epoch', 1), ('after_val_epoch', 2), ('after_train', 4)]),
        ('quota', [('before_train_epoch', 2)]),
    ],
)
def test_a_full_disk_stops_the_run_and_free_space_lets_it_go_on(request, tiny_recipe, kind, moments):
    take, make = request.getfixturevalue(kind)
    whole = train(tiny_recipe)
    for folder in (WORK_DIR, STAGE_DIR):
        shutil.rmtree(folder)
    for event, epoch in moments:
        with pytest.raises(WriteError, match=r'(No space left on|File too large).*untouched.*the same command'):
            train(tiny_recipe, event, epoch, take)
        good = [path for path in WORK_DIR.glob('*.pth') if not path.name.startswith('best_')]
        assert bool(good) == (epoch > 1)
        for point in good:
            check_resume_point(point)
        assert not list(WORK_DIR.rglob('.*.tmp'))
        make()
    assert hash_weights(train(tiny_recipe)) == hash_weights(whole)
