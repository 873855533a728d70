import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.scaling import Parts, gpus_a_fold, holds_up, limits, plan, stage, step

ROOT = Path(__file__).resolve().parents[2]

# A step of 8 s, 80 images; each fold of 4 trains 60 and has 20 of its own.
PARTS = Parts(
    images=80,
    val_images=8,
    folds=4,
    stages=2,
    first_epochs=1,
    epochs=2,
    batch=8,
    step_seconds=1.0,
    forward_share=0.25,
    sync_seconds=0.5,
    link=10.0,
    model_bytes=10.0,
    image_bytes=1.0,
    load_seconds=0.0,
    server=1e9,
    fold_seconds=3.0,
    average_seconds=2.0,
)


def test_a_stage_by_hand():
    fold = 2 * 60 * 1.0 + (2 * 20 + 8) * 0.25 + 3.0
    fuse = 3 * 8 * 0.25 + 2.0
    assert stage(PARTS, 1, 4, 2).seconds == 4 * fold + fuse
    assert stage(PARTS, 3, 4, 2).seconds == 2 * fold + fuse
    assert stage(PARTS, 7, 4, 2).seconds == fold + fuse
    assert stage(PARTS, 1, 4, 2).served == 4 * (2 * 80 + 8 + 2 * (3 + 1) * 10.0)
    assert stage(PARTS, 1, 4, 2).between == 0


def test_several_gpus_a_fold_share_the_batch_and_exchange_gradients():
    assert [gpus_a_fold(PARTS, gpus, 4) for gpus in (1, 4, 8, 12, 16, 1000)] == [1, 1, 2, 2, 4, 8]
    assert step(PARTS, 2) == 4.0 + 0.5 + 2 * 0.5 * 10 / 10
    # 15 steps of 2 GPUs, in which each sends once the weights' size, for 4 folds
    assert stage(PARTS, 8, 4, 2).between == 4 * 15 * 2 * 10.0


def test_a_plan_is_its_stages_one_after_the_other():
    first = 80 * 1.0 + (8 + 8) * 0.25 + 3.0
    assert plan(PARTS, 1).seconds == first + stage(PARTS, 1, 4, 2).seconds


def test_what_holds_a_stage_up():
    assert holds_up(PARTS, 2) == 'the GPUs'
    assert holds_up(PARTS, 3) == 'the last round has 1 fold(s)'
    assert holds_up(PARTS, 6) == '2 idle: 4 folds x 1'
    assert holds_up(PARTS, 40) == '8 idle: 4 folds x 8, the batch'
    assert holds_up(PARTS, 8) == 'exchange between the GPUs of a fold'
    assert holds_up(replace(PARTS, server=0.1), 4) == 'the file server'
    # 5 GPUs take 1.6 s for the images and 0.5 s + 2 x 4/5 x 1 s for the exchange; 4 take 2 s for either.
    assert set(limits(PARTS).values()) == {4, 4 * 5, 32, 1e9}
    assert limits(replace(PARTS, link=5.0))['exchange takes half of a step'] == 4 * 3
    fast = replace(PARTS, link=1e9, sync_seconds=0.0)
    assert limits(fast)['exchange takes half of a step'] == math.inf


def test_slow_loading_is_what_a_gpu_waits_for():
    assert replace(PARTS, load_seconds=12.0, cores=4).image_seconds == 3.0


@pytest.mark.parametrize('options', [[], ['--images', '1000000', '--gpus', '8', '64']])
def test_the_command(options):
    done = subprocess.run([sys.executable, ROOT / 'benchmarks/scaling.py', *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert '|   64 |' in done.stdout
