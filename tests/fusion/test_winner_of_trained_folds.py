"""The averaging lab and honest scores on folds that were trained, on the tiny recipe."""

import pytest
import torch

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.fusion.average_files import fuse_folder
from mmseg_custom.io.checkpoints.checkpoint_file import load_checkpoint_file, load_weights
from mmseg_custom.ledger.changes import change_of
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.reports import recipe_table
from mmseg_custom.reports.charts.candidate_charts import candidate_series
from mmseg_custom.reports.charts.plan_diagram import lay_out
from mmseg_custom.reports.findings import read_recipe

OWN_FOLD = "num_folds = 2\ndefault_hooks['fold_average']['init'] = 'own_fold'\n"
HOLDOUT = """
_base_ = './tiny_stage1.py'
num_folds = 2
folds = dict(file='holdout.json', holdout=0.2)
train_dataloader = test_dataloader = dict(dataset=dict(folds=folds))
val_dataloader = dict(dataset=dict(folds=folds, part='holdout'))
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/tiny/stage3', select_on='holdout'))
"""
LAB = ['best_fold', {'type': 'all_folds', 'bn': 'both'}, 'greedy_soup', 'path', 'ensemble']
TWO_FOLDS = {
    'num_folds': 2,
    **{f'{loader}_dataloader.dataset.folds.file': 'two.json' for loader in ('train', 'val', 'test')},
}


def train(config, fold=None, start=None, **options):
    cfg = load_run_config(config, cfg_options={'train_cfg.max_epochs': 1, **options}, fold=fold)
    cfg.load_from = start or cfg.load_from
    prepare(cfg)
    runner = build_runner(cfg)
    runner.train()
    return cfg


@pytest.fixture
def own_folds(tiny_recipe):
    """Two stages of two folds; each fold of the second starts from the same fold of the first."""
    stages = [tiny_recipe / f'tiny_stage{stage}.py' for stage in (1, 2)]
    for stage in stages:
        stage.write_text(stage.read_text() + OWN_FOLD)
    return stages


def test_folds_that_start_from_their_own_fold_have_not_seen_their_part(own_folds):
    train(own_folds[0], 2, **TWO_FOLDS)
    winner = 'work_dirs/tiny/stage1/winner.pth'  # MMSegmentation's tools read the config as it is.
    cfg = train(own_folds[1], 2, winner, **TWO_FOLDS)
    before, entry = (StageLedger(f'work_dirs/tiny/stage{stage}').entry('fold2') for stage in (1, 2))
    assert entry['lineage']['parents'][0]['weights'] == before['weights']
    assert entry['best']['seen'] is False
    assert [images['parts'] for images in entry['lineage']['seen']] == [[1]]
    cfg = load_run_config(cfg.filename, cfg_options={'train_cfg.max_epochs': 1, **TWO_FOLDS}, fold=2)
    assert change_of(cfg, entry) is None
    entry['lineage']['parents'][0]['weights'] = 'others'
    assert 'fold2.pth, which it started from, has changed' in change_of(cfg, entry)


def test_last_and_ema_are_kept_and_the_whole_lab_is_scored(after_stage1, tiny_recipe):
    average = [{'type': 'EMAHook', 'momentum': 0.2}]
    keep = {'default_hooks.fold_average.keep_last': True, 'custom_hooks': average, **TWO_FOLDS}
    for fold in (1, 2):
        train(tiny_recipe / 'tiny_stage2.py', fold, **keep)
    ledger = StageLedger('work_dirs/tiny/stage2')
    assert ledger.entry('fold1')['snapshots'].keys() == {'last'}
    last, ema = (load_weights(ledger.weights_path(name)) for name in ('fold1_last', 'fold1'))
    assert last.keys() == ema.keys()
    assert load_checkpoint_file(ledger.weights_path('fold1')).keys() == {'meta', 'state_dict'}
    assert not all(torch.equal(last[key], ema[key]) for key in last)
    keep['default_hooks.fold_average.candidates'] = LAB
    outcome = fuse_folder(ledger.folder, tiny_recipe / 'tiny_stage2.py', keep)
    assert {'best_fold', 'all_folds', 'all_folds_bn', 'path_0.25', 'path_1.25'} <= outcome['candidates'].keys()
    assert outcome['initial']['file'] == 'work_dirs/tiny/stage1/winner.pth'
    twin = load_checkpoint_file(ledger.weights_path('all_folds_bn'))
    assert twin['meta']['lineage']['statistics'] == {'split': 'train', 'images': 8}
    low, high = outcome['candidates']['all_folds']['interval']['val']
    assert low <= high
    assert 'upper bound' in recipe_table({2: ledger})
    recipe = read_recipe('work_dirs/tiny')
    drawn = [name for name in outcome['candidates'] if not name.startswith('path')]
    assert len(lay_out(recipe).links) > len(drawn)
    assert 'all folds bn' in {dots.name for dots in candidate_series(recipe)}


def test_val_only_reports_where_a_holdout_chooses(tiny_recipe):
    (tiny_recipe / 'tiny_stage3.py').write_text(HOLDOUT)
    for fold in (1, 2):
        train(tiny_recipe / 'tiny_stage3.py', fold)
    outcome = StageLedger('work_dirs/tiny/stage3').outcome()
    assert outcome['selected_on'] == 'holdout'
    entry = StageLedger('work_dirs/tiny/stage3').entry('fold2')
    assert entry['best']['part']['parts'] == ['holdout']
    assert entry['best']['seen'] is False
    assert entry['holdout']['mIoU'] == pytest.approx(entry['best']['mIoU'])
    winner = outcome['candidates'][outcome['winner']]
    assert winner['holdout']['mIoU'] == max(entry['holdout']['mIoU'] for entry in outcome['candidates'].values())
    assert winner['interval'].keys() == {'val', 'holdout'}
