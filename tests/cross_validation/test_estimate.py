"""Time, memory and the table of folds, each value worked out by hand."""

import numpy as np
import pytest
from mmengine.config import Config

from mmseg_custom.cross_validation.fold_table import fold_table
from mmseg_custom.datasets.folds.fold_file import FoldSplit
from mmseg_custom.preflight.estimate import (
    describe_memory,
    describe_time,
    num_validations,
    refuse_too_many,
    run_seconds,
)
from mmseg_custom.preflight.trial_error import TrialError
from mmseg_custom.preflight.try_training import Measured

GB = 10**9


def measured(**changes):
    values = dict(train_seconds=0.5, val_seconds=0.25, steps=2, batch_size=4, size=(32, 48), repeats=2.0)
    values |= dict(memory=3 * GB, room=10 * GB, gpu='', threads=2, seconds=5.0)
    return Measured(**values | changes)


def split(*sizes, group_by=None, holdout_names=()):
    folds = [[f'drive{k}_{number}' for number in range(size)] for k, size in enumerate(sizes, start=1)]
    return FoldSplit(len(sizes), 42, group_by, None, '', folds, holdout_names=list(holdout_names))


def config(fold, **train_cfg):
    dataset = dict(type='mmseg.FoldDataset', folds=dict(num_folds=2), fold=fold)
    return Config(dict(train_cfg=train_cfg, train_dataloader=dict(dataset=dataset)))


@pytest.mark.parametrize(
    ('train_cfg', 'length', 'count'),
    [
        ({}, 3, 3),
        ({'val_interval': 10}, 40, 4),
        ({'val_interval': 10}, 45, 5),  # and one at the end
        ({'val_interval': 10, 'val_begin': 30}, 40, 2),
        ({'val_interval': 16000}, 20, 1),
        ({'val_interval': 10, 'val_begin': 100}, 40, 0),
    ],
)
def test_validations_are_counted_as_the_loops_make_them(train_cfg, length, count):
    assert num_validations(train_cfg, length) == count


def test_the_time_of_a_run_is_that_of_its_steps_validations_and_last_scoring():
    # 40 steps of 4 images; 4 validations and the scoring of 10 held-out images.
    by_iteration = config(1, max_iters=40, val_interval=10)
    assert run_seconds(by_iteration, split(10, 30), measured()) == 40 * 4 * 0.5 + 5 * 10 * 0.25
    # 3 epochs of 30 images shown twice; 3 validations and the scoring.
    by_epoch = config(1, max_epochs=3)
    assert run_seconds(by_epoch, split(10, 30), measured()) == 3 * 30 * 2 * 0.5 + 4 * 10 * 0.25


def test_jobs_side_by_side_shorten_the_whole():
    configs = [config(fold, max_iters=1800, val_interval=9000) for fold in (1, 2, 3)]
    told = describe_time(configs, split(0, 0, 0), measured(), jobs=1)
    assert 'about 1 h 00 min a run, 3 h 00 min for 3 runs.' in told
    told = describe_time(configs, split(0, 0, 0), measured(), jobs=2)
    assert '3 h 00 min for 3 runs; with --jobs 2 about 2 h 00 min, if 2 side by side are as fast as one.' in told


@pytest.mark.parametrize(
    ('changes', 'jobs', 'gpus', 'end'),
    [
        ({}, 1, 0, '10.0 GB were free, so it fits.'),
        ({}, 3, 0, '3 side by side fit.'),
        ({}, 4, 0, '4 side by side do NOT FIT: use --jobs 3.'),
        ({'gpu': 'X'}, 6, 2, '3 side by side fit.'),
        ({'gpu': 'X'}, 8, 2, '4 side by side do NOT FIT: use --jobs 6.'),
        ({'memory': 12 * GB}, 1, 0, '1 side by side do NOT FIT: use --jobs 1 and a smaller batch_size or crop.'),
        ({'room': 0}, 4, 0, 'what the processes of data loaders take.'),
    ],
)
def test_memory_is_compared_with_what_is_free(changes, jobs, gpus, end):
    assert describe_memory(measured(**changes), jobs, gpus).endswith(end)


def rows(table):
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in table.splitlines() if '|' in line]


def test_folds_are_a_table_of_images_groups_and_the_rarest_classes():
    grouped = split(2, 3, group_by=r'^(drive\d)', holdout_names=['drive9_1', 'drive9_2'])
    of_fold = np.array([[70, 0, 1, 30, 5], [30, 0, 3, 10, 5]])
    table = fold_table(grouped, of_fold, ['road', 'never', 'pole', 'tree', 'car'])
    assert rows(table) == [
        ['held out', 'images', 'groups', 'pole', 'car', 'tree'],
        ['fold 1', '2', '1', '25.0%', '50.0%', '75.0%'],
        ['fold 2', '3', '1', '75.0%', '50.0%', '25.0%'],
        ['holdout', '2', '1', '', '', ''],
    ]
    assert table.endswith('even is 50.0%.')


def test_the_table_has_no_more_than_is_known():
    assert rows(fold_table(split(2, 3))) == [['held out', 'images'], ['fold 1', '2'], ['fold 2', '3']]
    gone = split(2, 3, group_by='gone.csv')
    assert rows(fold_table(gone))[0] == ['held out', 'images']


def test_runs_that_do_not_fit_on_their_gpus_are_refused():
    refuse_too_many(measured(gpu='X'), jobs=6, gpus=2)
    with pytest.raises(TrialError, match='4 side by side do NOT FIT: use --jobs 6'):
        refuse_too_many(measured(gpu='X'), jobs=7, gpus=2)
    refuse_too_many(measured(gpu='X', room=0), jobs=7, gpus=2)  # Not known.
    refuse_too_many(measured(), jobs=4, gpus=0)
