import dataclasses

import pytest
from mmengine.config import Config

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.folds.fold_file import read_split, write_split
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.io.files import write_json
from mmseg_custom.ledger.fingerprint import (
    differences,
    disagreement,
    fingerprint,
    hash_data,
    hash_experiment,
    length_change,
    reason_to_doubt,
)


@pytest.fixture
def load(tiny_recipe):
    return lambda **options: load_run_config(tiny_recipe / 'tiny_stage2.py', cfg_options=options, fold=1)


def test_differences_name_their_place():
    old = {'a': {'b': [1, {'c': 2}], 'same': 0}, 'gone': 1}
    new = {'a': {'b': [1, {'c': 3}], 'same': 0}, 'd': [1]}
    assert list(differences(old, new)) == ['a.b[1].c: 2 -> 3', 'd: None -> [1]', 'gone: 1 -> None']
    assert list(differences([1], [1, 2], 'x')) == ['x: [1] -> [1, 2]']


def test_workers_paths_and_logging_do_not_count(load):
    incidental = {'train_dataloader.num_workers': 3, 'log_level': 'ERROR', 'work_dir': 'elsewhere'}
    data_root = {'train_dataloader.dataset.data_root': 'elsewhere'}
    assert hash_experiment(load(**incidental, **data_root)) == hash_experiment(load())
    assert hash_experiment(load(**{'train_dataloader.batch_size': 2})) != hash_experiment(load())


@pytest.mark.parametrize(
    ('option', 'value'),
    [
        ('default_hooks.history.monitor', 'fwIoU'),
        ('default_hooks.history.patience', 3),
        ('default_hooks.history.select', 'last'),
        ('default_hooks.sampler_seed.type', 'IterTimerHook'),
        ('val_evaluator.ignore_index', 0),
        ('test_evaluator.ignore_index', 0),
        ('sync_bn', None),
        ('channels_last', True),
        ('compile', True),
        ('auto_scale_lr', {'enable': True, 'base_batch_size': 8}),
        ('randomness.deterministic', True),
    ],
)
def test_what_changes_a_result_counts(load, option, value):
    assert hash_experiment(load(**{option: value})) != hash_experiment(load())


def record_of(cfg):
    return {**fingerprint(cfg), 'lineage': {'parents': []}}


def test_folds_agree_in_all_but_their_fold(tiny_recipe):
    def entry(fold, **options):
        return record_of(load_run_config(tiny_recipe / 'tiny_stage2.py', cfg_options=options, fold=fold))

    assert disagreement({'fold1': entry(1), 'fold2': entry(2, work_dir='elsewhere')}) is None
    found = disagreement({'fold1': entry(1), 'fold2': entry(2), 'fold3': entry(3, sync_bn=None)})
    assert found == "fold3 differs from fold1 in sync_bn: 'torch' -> None"
    longer = {'fold1': entry(1), 'fold2': entry(2, **{'train_cfg.max_epochs': 3})}
    assert disagreement(longer) == 'fold2 differs from fold1 in train_cfg.max_epochs: 2 -> 3'
    assert disagreement(longer, whatever_length=True) is None
    others = {'fold1': {**entry(1), 'data': 'a'}, 'fold2': {**entry(2), 'data': 'b'}}
    assert disagreement(others) == 'fold2 differs from fold1 in the images that the folds are made of'


def test_another_length_alone_is_no_other_experiment(load):
    assert length_change(load(**{'train_cfg.max_epochs': 5}), record_of(load())) == (2, 5)
    assert length_change(load(), record_of(load())) is None
    assert length_change(load(**{'train_cfg.max_epochs': 5, 'sync_bn': None}), record_of(load())) is None


def test_hooks_of_the_users_own_count(load):
    assert hash_experiment(load(custom_hooks=[{'type': 'EMAHook'}])) != hash_experiment(load())


@pytest.mark.parametrize(
    'option',
    [
        'model.decode_head.loss_decode.class_weight',
        'train_dataloader.dataset.skip_list',
        'train_dataloader.dataset.fix_list',
        'train_dataloader.sampler.counts',
    ],
)
def test_files_count_by_their_content(load, tmp_path, option):
    first, second = tmp_path / 'first', tmp_path / 'second'
    first.write_text('a')
    second.write_text('a')
    before = hash_experiment(load(**{option: str(first)}))
    assert hash_experiment(load(**{option: str(second)})) == before
    first.write_text('b')
    assert hash_experiment(load(**{option: str(first)})) != before


def test_folds_of_nnunet_count_as_they_stand_in_their_file(tmp_path):
    def checksum(*cases):
        write_json([{'train': list(cases), 'val': ['c']}] * 2, tmp_path / 'splits_final.json')
        folds = dict(file=str(tmp_path / 'splits_final.json'))
        return hash_data(Config(dict(train_dataloader=dict(dataset=dict(folds=folds)))))

    assert checksum('a', 'b') == checksum('a', 'b') != checksum('a')


def test_changed_images_are_named(load):
    cfg = load()
    prepare(cfg)
    record = {**fingerprint(cfg), 'lineage': {'parents': []}}
    assert reason_to_doubt(cfg, record) is None
    split = read_split('folds.json')
    write_split(dataclasses.replace(split, fingerprint='other'), 'folds.json')
    assert reason_to_doubt(cfg, record) == 'the images in folds.json have changed since'
