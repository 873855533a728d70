"""What two folds of a loop over iterations leave in a ledger, by hand: three images, two classes, no val split."""

import torch
from made_up_recipe import TRAIN

from mmseg_custom.io.checkpoints.checkpoint_file import save_checkpoint_file
from mmseg_custom.ledger.held_out_counts import HeldOutCounts, counts_file, write_counts
from mmseg_custom.ledger.ledger_record import write_ledger_record
from mmseg_custom.ledger.stage_ledger import StageLedger

PALETTE = [[128, 64, 128], [70, 130, 180]]
IMAGES = {
    'fold1': {'a.png': [[3, 1], [0, 4]]},
    'fold2': {'b.png': [[2, 2], [2, 2]], 'c.png': [[4, 0], [0, 4]]},
}
HELD_OUT = {'mIoU': 1.0, 'aAcc': 1.0, 'mAcc': 1.0, 'IoU.road': 1.0, 'IoU.sky': 1.0}


def write_folds(folder, images=IMAGES, **said):
    """The ledger of stage 1 with its folds; `said` stands in every record."""
    ledger = StageLedger(folder / 'stage1')
    for number, (name, matrices) in enumerate(images.items(), start=1):
        write_ledger_record({**record(number, len(images)), **said}, ledger.record_path(name))
        meta = {'dataset_meta': {'palette': PALETTE}}
        save_checkpoint_file({'state_dict': {}, 'meta': meta}, ledger.weights_path(name))
        counts = HeldOutCounts.of(list(matrices), torch.tensor(list(matrices.values())))
        write_counts(counts, counts_file(ledger.folder, name))
    return ledger


def record(number, num_folds):
    history = [validation(number, iteration) for iteration in (40, 80)]
    return {
        'stage': 'stage1',
        'fold': number,
        'num_folds': num_folds,
        'monitor': 'mDice',
        'select': 'last',
        'config': None,
        'config_hash': str(number) * 64,
        'experiment': {'train_cfg': {'max_iters': 80}},
        'seed': 42,
        'weights': str(number) * 64,
        'best': {**history[-1], 'part': TRAIN, 'seen': False},
        'held_out': HELD_OUT,
        'history': history,
        'lineage': {'parents': [], 'seen': [TRAIN]},
        'seconds': 18.0,
        'versions': {'torch': '2.13.0'},
    }


def validation(number, iteration):
    return {
        'epoch': iteration / 100,
        'iter': iteration,
        'seconds': 9.0,
        'lr': 1e-3,
        'train_loss': 1.0,
        'mDice': 50.0 + number,
        'aAcc': 60.0,
    }
