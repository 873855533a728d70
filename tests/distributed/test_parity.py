"""One process with a batch of 8 and two with 4 each train the same network, and one of the two writes the files."""

import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from mmseg.registry import MODELS
from ranks import run_ranks
from tiny_stage import load_run

from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.history import HISTORY_KEY
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, save_checkpoint_file
from mmseg_custom.io.lease import RUN_LEASE
from mmseg_custom.ledger.fingerprint import fingerprint
from mmseg_custom.ledger.stage_ledger import StageLedger

CHANGES = {'os.rename', 'os.link', 'os.remove'}
SCORES = ('mIoU', 'fwIoU', 'aAcc', 'mAcc', 'val_loss', 'train_loss', 'train_decode.ce', 'train_decode.dice')
OPTIONS = {
    'load_from': None,
    'train_dataloader.batch_size': 8,
    'model.decode_head.aspp_dropout_ratio': 0.0,
    'model.decode_head.loss_decode.type': 'CEDiceLoss',
    'optim_wrapper.optimizer': {'type': 'SGD', 'lr': 0.05, 'momentum': 0.9, '_delete_': True},
}


def make_config(name, options):
    """A run of the tiny recipe; what its files are called ends with the number of processes."""
    folder = f'work_dirs/{name}_{get_world_size()}'
    cfg = load_run(
        'recipe', name, folder, OPTIONS | {'default_hooks.fold_average.stage_dir': f'{folder}_stage'} | options
    )
    cfg.launcher = 'pytorch' if get_world_size() > 1 else 'none'
    return cfg


def train(name, hook=None, **options):
    """Train a run in this process or group: its weights, its scores, the files that this rank has changed."""
    changed = []

    def note(event, arguments):
        writes = event == 'open' and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (writes or event in CHANGES) and 'work_dirs' in str(arguments[0]):
            changed.append(arguments[0])

    runner = build_runner(make_config(name, options))
    if hook:
        runner.register_hook(hook)
    if get_world_size() > 1:
        sys.addaudithook(note)  # It stays to the end of the process.
    runner.train()
    weights = {key.removeprefix('module.'): value for key, value in runner.model.state_dict().items()}
    history = [[record[key] for key in SCORES] for record in runner.message_hub.get_info(HISTORY_KEY)]
    return weights, history, changed


def difference(weights, expected):
    assert weights.keys() == expected.keys()
    return max(float((weights[key] - value).abs().max()) for key, value in expected.items())


def assert_same_run(ranks, whole):
    assert not difference(ranks[0][0], ranks[1][0])
    assert difference(ranks[0][0], whole[0]) < 5e-6
    for _, history, _ in ranks:
        assert len(history) == 2
        for record, expected in zip(history, whole[1], strict=True):
            assert record == pytest.approx(expected, rel=1e-5)
    assert ranks[0][2] and not ranks[1][2]


def test_two_processes_train_as_one(tiny_recipe):
    whole = train('tiny_stage1')
    assert_same_run(run_ranks(train, 'tiny_stage1'), whole)
    entries = [StageLedger(f'work_dirs/tiny_stage1_{size}_stage').entry('full') for size in (1, 2)]
    assert entries[0]['config_hash'] == entries[1]['config_hash']
    alone = {'sync_bn': None, 'default_hooks.fold_average.stage_dir': 'work_dirs/alone'}
    for weights, *_ in run_ranks(train, 'tiny_stage1', **alone):
        assert difference(weights, whole[0]) > 1e-3


class Cut(Hook):
    """Ends the run within its second epoch, behind what the others do."""

    priority = 'LOWEST'

    def after_train_iter(self, runner, **kwargs):
        if runner.iter == 2:
            raise KeyboardInterrupt


def test_two_processes_go_on_where_one_was_cut(tiny_recipe):
    options = {'default_hooks.checkpoint.interval_iters': 1}
    whole = train('tiny_stage1', **options)
    with pytest.raises(KeyboardInterrupt):
        train('tiny_stage1', Cut(), **options, **{'default_hooks.fold_average.stage_dir': 'work_dirs/cut_stage'})
    folder = Path(shutil.copytree('work_dirs/tiny_stage1_1', 'work_dirs/tiny_stage1_2'))
    (folder / RUN_LEASE).unlink()
    assert (folder / 'iter_3.pth').is_file()
    assert_same_run(run_ranks(train, 'tiny_stage1', **options, resume=True), whole)


def enter_finished_folds(folds, options):
    """Enter untrained weights as finished folds, trained with the `options` of one process and of two."""
    for size in (1, 2):
        known = fingerprint(make_config('tiny_stage2_fold2', options[size]))
        ledger = StageLedger(f'work_dirs/tiny_stage2_fold2_{size}_stage')
        for fold in folds:
            torch.manual_seed(fold)
            weights = MODELS.build(make_config('tiny_stage2_fold2', {}).model).state_dict()
            save_checkpoint_file({'state_dict': weights, 'meta': {}}, 'best.pth')
            entry = {'weights': hash_weights(weights), 'val': {'mIoU': 1.0}, 'lineage': {'parents': [], 'seen': []}}
            ledger.record(f'fold{fold}', {**known, **entry, 'num_folds': 3}, 'best.pth')


def test_seven_images_in_batches_of_four_accumulated_and_recomputed_and_the_stage_is_fused_once(tiny_recipe):
    prepare(make_config('tiny_stage2_fold2', {}))
    options = {'train_dataloader.batch_size': 4, 'optim_wrapper.accumulative_counts': 2}
    recomputed = {'model.backbone.with_cp': True, 'model.decode_head.with_cp': True}
    enter_finished_folds([1, 3], {1: options, 2: {**options, **recomputed}})
    whole = train('tiny_stage2_fold2', **options)
    assert_same_run(run_ranks(train, 'tiny_stage2_fold2', **options, **recomputed), whole)
    one, two = (StageLedger(f'work_dirs/tiny_stage2_fold2_{size}_stage').outcome() for size in (1, 2))
    assert two['winner'] == one['winner']
    assert two['candidates'].keys() == one['candidates'].keys() == {'best_fold', 'all_folds', 'top2'}
    for name, candidate in one['candidates'].items():
        assert two['candidates'][name]['val'] == pytest.approx(candidate['val'], rel=1e-4, nan_ok=True)


class CountImages(Hook):
    """Counts the labelled images of each step in all of the steps of an epoch."""

    def __init__(self):
        self.images = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        labelled = [(sample.gt_sem_seg.data != 255).any().item() for sample in data_batch['data_samples']]
        self.images.append(sum(labelled))


def steps_of_epoch(**options):
    hook = CountImages()
    train('tiny_stage2_fold2', hook, **options)
    return hook.images


def test_a_process_without_an_image_of_its_own_takes_part(tiny_recipe):
    prepare(make_config('tiny_stage2_fold2', {}))
    options = {'train_dataloader.batch_size': 6, 'train_cfg.max_epochs': 1}
    assert run_ranks(steps_of_epoch, **options) == [[3, 1], [3, 0]]


class FullDisk(Hook):
    """Lets the ledger of the main process have no room."""

    def before_train(self, runner):
        def refuse(*arguments):
            raise OSError('disk full')

        if is_main_process():
            StageLedger.record = refuse


def train_to_a_full_disk():
    return train('tiny_stage1', FullDisk(), **{'train_cfg.max_epochs': 1})


def test_when_the_main_process_fails_nobody_waits(tiny_recipe):
    expected = ['OSError: disk full', 'MainProcessError: The main process has failed: disk full']
    assert run_ranks(train_to_a_full_disk) == expected
