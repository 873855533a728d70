"""A run that is asked to stop saves, leaves with 75 and goes on to the same end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from interrupted_runs import EPOCHS, LENGTH, assert_same, build, make_config, state, train, uninterrupted
from mmengine.hooks import Hook
from torch.utils.data import DataLoader

from mmseg_custom.engine import Preempted
from mmseg_custom.engine.resume_points import resume_points
from mmseg_custom.engine.stop_signals import STOP_SIGNALS, shield_workers
from mmseg_custom.hooks import preemption_hook
from mmseg_custom.hooks.preemption_hook import PreemptionHook

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


class Ask(Hook):
    """Sends signals to the own process at an event of an iteration."""

    def __init__(self, event, iteration, *signals, priority='NORMAL'):
        self.priority = priority

        def send(runner, *args, **kwargs):
            if runner.iter == iteration:
                for number in signals:
                    os.kill(os.getpid(), number)

        setattr(self, event, send)


def preempt(cfg, *asks, resume=False):
    """Train until the run leaves; what it says."""
    runner = build(cfg, resume)
    for ask in asks:
        runner.register_hook(ask)
    with pytest.raises(Preempted) as caught:
        runner.train()
    assert caught.value.code == 75
    return caught.value.saved


def test_step_is_finished_and_saved_and_the_end_is_the_same(place):
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    cfg = make_config('cosine')
    asks = [Ask('before_train_iter', 4, signal.SIGUSR1), Ask('before_save_checkpoint', 4, *STOP_SIGNALS)]
    assert preempt(cfg, *asks).endswith('work_dirs/cosine/iter_5.pth')
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before
    assert preempt(cfg, Ask('after_train_epoch', 9, signal.SIGTERM), resume=True).endswith('iter_9.pth')
    assert_same(state(train(cfg, resume=True)[0]), uninterrupted('cosine'))


def test_validation_is_left_at_once_and_repeated(place):
    cfg = make_config('plateau')
    validated = []
    count = Ask('after_val_iter', 6)
    count.after_val_iter = lambda *args, **kwargs: validated.append(args)
    assert preempt(cfg, Ask('before_val_iter', 3, signal.SIGTERM), count).endswith('iter_3.pth')
    assert len(validated) == 1
    assert preempt(cfg, Ask('after_val_epoch', 6, signal.SIGUSR1), resume=True).endswith('epoch_2.pth')
    assert_same(state(train(cfg, resume=True)[0]), uninterrupted('plateau'))


def test_nothing_is_waited_for_behind_the_last_epoch(place):
    cfg = make_config('cosine')
    reached = Ask('after_train', -1, priority='LOWEST')
    reached.after_run = lambda runner: pytest.fail('the signal did not end the run')
    ask = Ask('after_train', EPOCHS * LENGTH, signal.SIGTERM, signal.SIGTERM, priority='LOWEST')
    assert preempt(cfg, ask, reached).endswith(cfg.work_dir)
    assert resume_points(cfg.work_dir, LENGTH)[0].name == f'epoch_{EPOCHS}.pth'


def test_accumulated_gradients_are_used_first(place):
    cfg = make_config('cosine', **{'optim_wrapper.accumulative_counts': 2})
    assert preempt(cfg, Ask('before_train_iter', 0, signal.SIGTERM)).endswith('iter_2.pth')


def test_resume_points_need_their_hook(place):
    cfg = make_config('cosine')
    cfg.default_hooks.checkpoint = {'type': 'CheckpointHook'}
    with pytest.raises(ValueError, match='needs a StageCheckpointHook'):
        build(cfg).train()


def test_processes_ask_each_other_at_the_interval_only(monkeypatch):
    asked = []

    def all_reduce(flag, how):
        asked.append((float(flag), how))
        flag.fill_(1.0)

    monkeypatch.setattr(preemption_hook, 'all_reduce', all_reduce)
    hook = PreemptionHook(check_interval=3)
    pair = SimpleNamespace(world_size=2)
    assert [hook._agree(pair, step) for step in (1, 2, 3, 4, 6)] == [False, False, True, True, True]
    assert asked == [(0.0, 'max')]
    assert not PreemptionHook()._agree(SimpleNamespace(world_size=1), 10)
    assert len(asked) == 1


@pytest.mark.parametrize('persistent', [True, False])
def test_workers_ignore_the_signals_of_others_and_obey_their_parent(persistent):
    loader = DataLoader(torch.arange(64), num_workers=2, persistent_workers=persistent, prefetch_factor=1)
    shield_workers(loader)
    batches = iter(loader)
    seen = [int(next(batches)) for _ in range(2)]  # one of each worker: both have started
    workers = batches._workers
    assert len(workers) == 2
    for worker in workers:
        for number in STOP_SIGNALS:
            subprocess.run(['kill', f'-{number}', str(worker.pid)], check=True)
    seen += [int(batch) for batch in batches]
    assert seen == list(range(64))
    if persistent:
        assert all(worker.is_alive() for worker in workers)
        start = time.monotonic()
        for worker in workers:
            worker.terminate()
            worker.join(timeout=10)
        assert time.monotonic() - start < 5
        assert [worker.exitcode for worker in workers] == [0, 0]


def wait_for(path, process):
    deadline = time.monotonic() + 200
    while not path.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.slow
def test_tool_with_workers_is_preempted_by_its_cluster(place):
    make_config('cosine')
    options = [
        'train_dataloader.num_workers=2',
        'train_dataloader.persistent_workers=True',
        'train_cfg.max_epochs=500',
    ]
    command = [sys.executable, TOOLS / 'train.py', 'run.py', '--cfg-options', *options]
    output = {'stdout': subprocess.PIPE, 'stderr': subprocess.DEVNULL, 'text': True}
    for resume, epoch in (([], 1), (['--resume'], 4)):
        process = subprocess.Popen([*command, *resume], start_new_session=True, **output)
        wait_for(Path(f'work_dirs/run/epoch_{epoch}.pth'), process)
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGTERM):
            os.killpg(process.pid, number)
        last = process.communicate(timeout=100)[0].splitlines()[-1]
        assert process.returncode == 75
        assert last.startswith('Preempted, saved at ') and last.endswith('; go on with --resume.')
        assert Path(last.split()[3].rstrip(';')).is_file()


@pytest.mark.slow
@pytest.mark.parametrize('asked', ['rank', 'launcher'])
def test_one_process_of_two_is_asked_and_both_leave(place, asked):
    make_config('cosine')
    options = ['train_cfg.max_epochs=500', 'default_hooks.preemption.check_interval=2']
    command = [TOOLS / 'dist_train.sh', 'run.py', '2', '--cfg-options', *options]
    environment = os.environ | {'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}', 'PORT': '29613'}
    output = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT, 'text': True}
    process = subprocess.Popen(command, env=environment, start_new_session=True, **output)
    wait_for(Path('work_dirs/run/epoch_1.pth'), process)
    ranks = Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text().split()
    os.kill(int(ranks[-1]) if asked == 'rank' else process.pid, signal.SIGUSR1)
    text = process.communicate(timeout=100)[0]
    assert text.count('Preempted, saved at ') == 1
    assert process.returncode == 75
