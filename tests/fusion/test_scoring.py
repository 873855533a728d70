import pytest
import torch
from mmseg.registry import MODELS

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.fusion.average_files import fuse_folder
from mmseg_custom.io.checkpoints.checkpoint_file import CheckpointError, hash_weights, save_checkpoint_file
from mmseg_custom.ledger.stage_ledger import StageLedger


@pytest.fixture
def untrained(tiny_recipe):
    """The ledger of a stage whose folds are finished, with untrained weights."""
    cfg = load_run_config(tiny_recipe / 'tiny_stage2.py')
    prepare(cfg)
    ledger = StageLedger('work_dirs/tiny/stage2')
    for fold in (1, 2, 3):
        torch.manual_seed(fold)
        weights = MODELS.build(cfg.model).state_dict()
        save_checkpoint_file({'state_dict': weights, 'meta': {}}, 'best.pth')
        entry = {'weights': hash_weights(weights), 'val': {'mIoU': 1.0}, 'lineage': {'parents': [], 'seen': []}}
        ledger.record(f'fold{fold}', {**entry, 'num_folds': 3, 'config': cfg.filename, 'experiment': {}}, 'best.pth')
    return ledger


def test_a_stage_is_not_scored_with_another_architecture(untrained, tiny_recipe):
    config = tiny_recipe / 'tiny_stage2.py'
    with pytest.raises(CheckpointError, match=r'What .*tiny_stage2\.py is to score is not of the architecture'):
        fuse_folder(untrained.folder, config, {'model.decode_head.channels': 6})
    assert untrained.outcome() is None
    assert fuse_folder(untrained.folder, config)['runs'].keys() == {'fold1', 'fold2', 'fold3'}
    assert untrained.outcome()
