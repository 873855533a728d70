"""`load_run_config(config, fold=K)` and `num_folds`: what `--fold` and `--cfg-options num_folds=K` come down to."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.folds.kfold_dataset import KFoldDataset
from mmseg_custom.errors import UserError
from mmseg_custom.fold_settings import check_one_fold, fold_of, use_held_out_images

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
LEAF = "_base_ = './tiny_stage2.py'\ntrain_dataloader = val_dataloader = dict(dataset=dict(fold={fold}))\n"


@pytest.fixture
def stage2(tiny_recipe):
    """Stage 2 of three folds, in a file named by their number."""
    path = tiny_recipe / 'tiny_stage2.py'
    path.write_text(path.read_text().replace('folds.json', 'folds_{num_folds}.json'))
    return path


def folds_of(cfg):
    return [(cfg[key].dataset.fold, cfg[key].dataset.folds.num_folds, cfg[key].dataset.folds.file) for key in LOADERS]


def test_a_fold_is_that_of_train_and_val_and_in_the_name_of_its_folder(stage2):
    cfg = load_run_config(stage2, fold=2)
    assert folds_of(cfg) == [(2, 3, 'folds_3.json'), (2, 3, 'folds_3.json'), (None, 3, 'folds_3.json')]
    assert (fold_of(cfg), cfg.work_dir) == (2, 'work_dirs/tiny_stage2_fold2')
    assert load_run_config(stage2, 'elsewhere', fold=2).work_dir == 'elsewhere'
    assert load_run_config(stage2, cfg_options={'work_dir': 'other'}, fold=2).work_dir == 'other_fold2'
    whole = load_run_config(stage2)
    assert (fold_of(whole), whole.work_dir) == (None, 'work_dirs/tiny_stage2')


def test_a_file_of_a_fold_is_another_name_of_it(stage2):
    leaf = stage2.with_name('tiny_stage2_fold2.py')
    leaf.write_text(LEAF.format(fold=2))
    ours, theirs = load_run_config(leaf), load_run_config(stage2, fold=2)
    assert ours.to_dict() == theirs.to_dict()
    assert load_run_config(leaf, fold=2).to_dict() == theirs.to_dict()


def test_one_override_is_the_number_of_folds_of_all_data_sets(stage2):
    ten = {'num_folds': 10}
    cfg = load_run_config(stage2, cfg_options=ten, fold=10)
    assert folds_of(cfg) == [(10, 10, 'folds_10.json'), (10, 10, 'folds_10.json'), (None, 10, 'folds_10.json')]
    stage1 = load_run_config(stage2.with_name('tiny_stage1.py'), cfg_options=ten)
    assert [number for _, number, _ in folds_of(stage1)] == [10] * 3
    assert 'num_folds' not in stage1 and fold_of(stage1) is None
    check_one_fold(stage1)


def test_wrapped_data_sets_are_cut_too(stage2):
    with stage2.open('a') as file:
        file.write(
            "plain = dict(type='CityscapesDataset')\n"
            "both = dict(type='ConcatDataset', datasets=[train_dataloader['dataset'], plain])\n"
            "train_dataloader['dataset'] = dict(_delete_=True, type='RepeatDataset', times=2, dataset=both)\n"
        )
    cfg = load_run_config(stage2, cfg_options={'num_folds': 4}, fold=3)
    cut, plain = cfg.train_dataloader.dataset.dataset.datasets
    assert (cut.fold, cut.folds.num_folds, cut.folds.file, fold_of(cfg)) == (3, 4, 'folds_4.json', 3)
    assert plain == {'type': 'CityscapesDataset'}


def test_a_data_set_names_its_file_by_itself_where_the_config_is_read_as_it_is(stage2):
    dataset = Config.fromfile(stage2).val_dataloader.dataset
    assert KFoldDataset(**{k: v for k, v in dataset.items() if k != 'type'}).folds['file'] == 'folds_3.json'


def test_held_out_images_take_the_place_of_val(stage2):
    cfg = load_run_config(stage2, fold=2)
    use_held_out_images(cfg, 2)
    assert cfg.test_dataloader.dataset == cfg.val_dataloader.dataset


@pytest.mark.parametrize(
    ('name', 'fold', 'options', 'message'),
    [
        ('tiny_stage2', 4, {}, r'tiny_stage2\.py has no fold 4: with num_folds=3 it trains folds 1 to 3\.$'),
        ('tiny_stage2', 3, {'num_folds': 2}, r'has no fold 3: with num_folds=2 it trains folds 1 to 2\.$'),
        ('tiny_stage2_fold1', 2, {}, r'tiny_stage2_fold1\.py is fold 1 by itself: leave out --fold 2\.$'),
        ('tiny_stage2_fold4', None, {}, r'tiny_stage2_fold4\.py says fold=1: let the number in its name'),
        ('tiny_stage1', 1, {}, r'tiny_stage1\.py trains no folds: leave out --fold 1'),
        ('tiny_stage2', 1, {'num_folds': 1}, r'num_folds=1 is no number of folds: use a whole number from 2\.$'),
        ('tiny_stage2', 1, {'train_dataloader.dataset.folds.num_folds': 9}, r'num_folds=9 sets it for all data sets'),
    ],
)
def test_what_cannot_be_meant_ends_in_a_sentence(stage2, name, fold, options, message):
    for number in (1, 4):
        stage2.with_name(f'tiny_stage2_fold{number}.py').write_text(LEAF.format(fold=1))
    with pytest.raises(UserError, match=message):
        load_run_config(stage2.with_name(f'{name}.py'), cfg_options=options, fold=fold)


def test_a_stage_of_folds_is_not_trained_whole_by_accident(stage2):
    with pytest.raises(UserError, match=r'trains 3 folds: say which one by --fold \(1 to 3\).*num_folds=None'):
        check_one_fold(load_run_config(stage2))
    check_one_fold(load_run_config(stage2, fold=1))
    check_one_fold(load_run_config(stage2, cfg_options={'num_folds': None}))


def test_the_published_files_of_folds_are_names_of_their_stage():
    configs = Path(__file__).resolve().parent.parent / 'configs'
    files = sorted(configs.glob('*_fold*.py'))
    assert [file.stem for file in files] == [f'stage{s}_fold{k}' for s in (2, 3, 4, 5) for k in (1, 2, 3, 4, 5)]
    for file in files:
        stage, fold = file.stem.split('_fold')
        expected = load_run_config(configs / f'{stage}.py', fold=int(fold))
        assert load_run_config(file).to_dict() == expected.to_dict()
        assert expected.work_dir == f'work_dirs/{file.stem}'
