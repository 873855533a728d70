from pathlib import Path

import pytest
from made_up_folds import IMAGES, write_folds
from mmengine.config import Config

from mmseg_custom.config import take_fold
from mmseg_custom.cross_validation.fold_config import FoldOptions, make_stage
from mmseg_custom.cross_validation.fold_scores import add_up_folds
from mmseg_custom.cross_validation.refit import Refit, describe_refit, make_refit, median_length
from mmseg_custom.fold_settings import validates_on_trained

READ = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}, {'type': 'PackSegInputs'}]
USER = {
    'model': {'type': 'EncoderDecoder'},
    'train_dataloader': {'batch_size': 2, 'dataset': {'type': 'BaseSegDataset', 'pipeline': READ}},
    'test_pipeline': READ,
    'optim_wrapper': {'type': 'OptimWrapper'},
    'train_cfg': {'type': 'IterBasedTrainLoop', 'max_iters': 100, 'val_interval': 40},
}
OFFICIAL = {'batch_size': 1, 'dataset': {'type': 'BaseSegDataset', 'pipeline': READ}}


@pytest.fixture
def found(tmp_path):
    """Three folds, whose weights are of iterations 20, 80 and 60."""
    folds = {**IMAGES, 'fold3': {'d.png': [[1, 0], [0, 1]]}}
    ledger = write_folds(tmp_path, folds)
    result = add_up_folds(ledger)
    positions = zip(result.folds, (20, 80, 60), strict=True)
    for fold, position in positions:
        object.__setattr__(fold, 'position', position)
    return result


def refit(found, folder, user=USER, scored_on=None, **given):
    options = FoldOptions(folder, 3, folder / 'folds.json', scored_on=scored_on, **given)
    return make_refit(Config(user, filename=__file__), options, found, Refit())


def test_length_is_the_median_of_the_kept_weights(found, tmp_path):
    assert median_length(found) == 60
    cfg = refit(found, tmp_path, select='best')
    assert cfg['train_cfg'] == {'type': 'IterBasedTrainLoop', 'max_iters': 60, 'val_interval': 60}
    assert cfg['default_hooks']['history']['select'] == 'last'
    assert cfg['default_hooks']['checkpoint']['interval_iters'] == 40


def test_it_trains_on_the_images_of_all_folds(found, tmp_path):
    cfg = Config(refit(found, tmp_path))
    train = cfg.train_dataloader.dataset
    assert (train.type, train.get('fold'), train.get('part', 'train')) == ('mmseg.FoldDataset', None, 'train')
    assert 'num_folds' not in cfg
    assert Path(cfg.default_hooks.fold_average.stage_dir) == tmp_path / 'refit'


def test_without_unseen_images_no_score_is_shown(found, tmp_path):
    cfg = Config(refit(found, tmp_path))
    assert validates_on_trained(cfg)
    assert cfg.default_hooks.fold_average.candidates == []
    told = describe_refit(FoldOptions(tmp_path, 3, tmp_path / 'folds.json'), found, Refit())
    assert f'{found.pooled["mIoU"]:.2f} mIoU out of fold' in told and 'no score of its own' in told


@pytest.mark.parametrize(('scored_on', 'part'), [('holdout', 'holdout'), ('val', None)])
def test_images_that_no_fold_has_seen_score_it(found, tmp_path, scored_on, part):
    cfg = Config(refit(found, tmp_path, {**USER, 'val_dataloader': OFFICIAL}, scored_on))
    assert cfg.val_dataloader.dataset.get('part') == part
    assert cfg.val_dataloader.dataset == cfg.test_dataloader.dataset
    assert not validates_on_trained(cfg)
    assert 'candidates' not in cfg.default_hooks.fold_average


def test_epochs_keep_their_validations(found, tmp_path):
    cfg = refit(found, tmp_path, {**USER, 'train_cfg': {'by_epoch': True, 'max_epochs': 9, 'val_interval': 2}})
    assert cfg['train_cfg'] == {'by_epoch': True, 'max_epochs': 60, 'val_interval': 2}


def test_a_fold_that_validates_on_its_own_held_out_images_shows_its_score(found, tmp_path):
    cfg = make_stage(Config(USER, filename=__file__), FoldOptions(tmp_path, 3, tmp_path / 'folds.json'))
    assert not validates_on_trained(take_fold(Config(cfg), 1))
