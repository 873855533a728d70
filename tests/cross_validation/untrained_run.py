"""A finished cross-validation whose folds were not trained: their weights are random."""

from pathlib import Path

import cv2
import numpy as np
import torch
from mmseg.registry import DATASETS, MODELS

from mmseg_custom.cross_validation.fold_config import FoldOptions
from mmseg_custom.cross_validation.run import prepare_run
from mmseg_custom.cross_validation.user_config import read_user_config
from mmseg_custom.datasets.folds.any_folds import Folds
from mmseg_custom.fusion.weight_scorer import HELD_OUT, ScoringOrder, WeightScorer
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, save_checkpoint_file
from mmseg_custom.ledger.fingerprint import fingerprint
from mmseg_custom.ledger.held_out_counts import HeldOutCounts, counts_file, write_counts
from mmseg_custom.ledger.images import images_of
from mmseg_custom.ledger.lineage import SCRATCH, image_set, with_images
from mmseg_custom.plan.plan_state import PlanState

FOLDER = Path('work_dirs/user_kfold')
NAMES = [f'{place}_{number}' for place in ('north', 'south') for number in range(3)]
CONFIG = """
custom_imports = dict(imports=['mmseg_custom'], allow_failed_imports=False)
default_scope = 'mmseg'
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', mean=[0.0] * 3, std=[255.0] * 3, size_divisor=32),
    backbone=dict(type='DilatedResNet', depth=10, base_channels=4),
    decode_head=dict(type='FCNHead', in_channels=32, in_index=3, channels=4, num_convs=1, {head}),
    test_cfg=dict(mode='whole'))
load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'{reduced})]
pack = [dict(type='PackSegInputs')]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(32, 24)), load[1], *pack]
train_dataloader = dict(batch_size=2, num_workers=0, sampler=dict(type='InfiniteSampler'), dataset=dict(
    type='BaseSegDataset', data_root='data', data_prefix=dict(img_path='images', seg_map_path='labels'),
    img_suffix='.png', metainfo=dict(classes={classes}){of_data}, pipeline=[*load, *pack]))
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=1, val_interval=1)
"""


def write(path, image):
    cv2.imwrite(str(path), image)


def write_images(values=(0, 1, 2)):
    rng = np.random.default_rng(0)
    for folder in ('images', 'labels'):
        Path('data', folder).mkdir(parents=True)
    for name in NAMES:
        label = rng.choice([*values, 255], (48, 64)).astype(np.uint8)
        write(f'data/images/{name}.png', rng.integers(0, 256, (48, 64, 3)).astype(np.uint8))
        write(f'data/labels/{name}.png', label)


def write_run(head='num_classes=3', classes=('x', 'y', 'z'), reduced=False, group_by='city'):
    """A run of two folds over what `write_images` wrote; returns the ledger of its stage."""
    words = dict(head=head, classes=classes)
    words['reduced'] = ', reduce_zero_label=True' if reduced else ''
    words['of_data'] = words['reduced']
    Path('user.py').write_text(CONFIG.format(**words))
    prepared = prepare(group_by)
    state = PlanState(prepared.plan)
    ledger = state.ledger(prepared.plan.stages[0])
    for run in prepared.plan.stages[0].runs:
        torch.manual_seed(run.fold)
        record(ledger, run.name, state.config(run))
    return ledger


def prepare(group_by='city', **options):
    """What `mmseg-kfold run user.py --folds 2` prepares."""
    given = FoldOptions(FOLDER, 2, FOLDER / 'folds.json', seed=0, **options)
    folds = Folds(given.fold_file, 2, 0, group_by, None, None)
    return prepare_run(read_user_config('user.py'), given, folds, False, False, print)


def record(ledger, name, cfg):
    """Enter random weights as a finished run, scored as `RunRecordHook` does."""
    weights = MODELS.build(cfg.model).state_dict()
    file = Path(cfg.work_dir) / 'weights.pth'
    save_checkpoint_file({'state_dict': weights, 'meta': {}}, file)
    trained = DATASETS.build(cfg.train_dataloader.dataset)
    images = images_of(trained)
    lineage = with_images(SCRATCH, image_set(trained, images), images)
    scored = WeightScorer(cfg).together(ScoringOrder({'': weights}, parts=(HELD_OUT,)))['']
    write_counts(
        HeldOutCounts.of(scored.paths[HELD_OUT], scored.matrices[HELD_OUT]), counts_file(ledger.folder, name)
    )
    best = {'epoch': 1, 'iter': 1, 'mIoU': scored.scores[HELD_OUT]['mIoU'], 'seen': False}
    entry = {'weights': hash_weights(weights), 'lineage': lineage, 'best': best, 'monitor': 'mIoU'}
    entry |= {**fingerprint(cfg), HELD_OUT: dict(scored.scores[HELD_OUT])}
    ledger.record(name, entry, file)
