import dataclasses

import pytest

from mmseg_custom.datasets.folds import read_split, write_split
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.stages.fingerprint import differences, fingerprint, hash_experiment, reason_to_doubt
from mmseg_custom.stages.launch import load_run_config


@pytest.fixture
def load(tiny_recipe):
    return lambda **options: load_run_config(tiny_recipe / 'tiny_stage2_fold1.py', cfg_options=options)


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


def test_hooks_of_the_users_own_count(load):
    assert hash_experiment(load(custom_hooks=[{'type': 'EMAHook'}])) != hash_experiment(load())


@pytest.mark.parametrize(
    'option',
    [
        'model.decode_head.loss_decode.class_weight',
        'train_dataloader.dataset.skip_list',
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


def test_changed_images_are_named(load):
    cfg = load()
    prepare(cfg)
    record = {**fingerprint(cfg), 'lineage': {'parents': []}}
    assert reason_to_doubt(cfg, record) is None
    split = read_split('folds.json')
    write_split(dataclasses.replace(split, fingerprint='other'), 'folds.json')
    assert reason_to_doubt(cfg, record) == 'the images in folds.json have changed since'
