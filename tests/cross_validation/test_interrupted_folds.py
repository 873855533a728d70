"""A fold over iterations that is stopped and killed at random steps ends in the bits of one that was not."""

import os
import random
import signal

from interrupted_runs import Cut, PowerCut, assert_same, end_workers, state
from mmengine.hooks import Hook
from own_config import write_own_config

from mmseg_custom.config import load_run_config
from mmseg_custom.engine import Preempted
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.ledger.held_out_counts import counts_file, read_counts

STEPS = 9
EMA = "custom_hooks = [dict(type='EMAHook', momentum=0.1)]\n"


class Terminate(Hook):
    """Asks the own process to stop in the midst of a step."""

    def __init__(self, step):
        self.step = step

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter + 1 == self.step:
            os.kill(os.getpid(), signal.SIGTERM)


def train(name, workers=0, stops=()):
    """Train fold 1, stopped by turns by SIGTERM and as by SIGKILL; its state and what it got right."""
    for number, step in enumerate([*stops, None]):
        cfg = load_run_config('w/plan/stage1.py', f'runs/{name}', fold=1)
        cfg.train_dataloader.num_workers = workers
        cfg.default_hooks.fold_average.stage_dir = f'runs/{name}/stage1'
        cfg.resume = True
        runner = build_runner(cfg)
        if step:
            runner.register_hook(Cut('after_train_iter', step) if number % 2 else Terminate(step))
        try:
            runner.train()
        except (PowerCut, Preempted):
            assert step and runner.iter in (step - 1, step), step
        else:
            assert step is None
        finally:
            end_workers()
    return state(runner), read_counts(counts_file(f'runs/{name}/stage1', 'fold1')).matrix.tolist()


def test_runs_interrupted_at_random_steps_end_in_the_same_bits(kfold):
    kfold(write_own_config(EMA), '--dry-run')
    whole = train('whole')
    assert whole[0]['counters'] == (0, STEPS, STEPS)
    assert [record['iter'] for record in whole[0]['history']] == [4, 8, 9]
    for workers in (0, 2):
        stops = sorted(random.Random(workers).sample(range(1, STEPS), 3))
        assert_same(train(f'cut{workers}', workers, stops), whole, f'{workers} workers, {stops}')
