import random

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.runner import Runner

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets import FoldError, KFoldDataset, SampleKey, SeededSampler
from mmseg_custom.datasets.prepare import link_data_root, prepare


class Draws:
    """A transform that shows what the generators give."""

    def __call__(self, results):
        noise = np.zeros((2, 2), np.uint8)
        cv2.randu(noise, 0, 255)
        return {'draws': (np.random.rand(), random.random(), noise.tolist())}


@pytest.fixture
def cfg(tiny_recipe):
    return load_run_config(tiny_recipe / 'tiny_stage2.py', fold=1)


@pytest.fixture
def build(cfg):
    prepare(cfg)

    def build(part, fold, pipeline=()):
        arguments = {**cfg.train_dataloader.dataset, 'part': part, 'fold': fold, 'pipeline': list(pipeline)}
        arguments.pop('type')
        return KFoldDataset(**arguments)

    return build


def names(dataset):
    return [dataset.name_of(dataset.get_data_info(index)) for index in range(len(dataset))]


def test_parts_of_a_fold_are_disjoint_and_together_the_train_split(build):
    everything = names(build('train', None))
    assert len(everything) == 10
    for fold in (1, 2, 3):
        train, val = names(build('train', fold)), names(build('val', fold))
        assert train
        assert val
        assert not set(train) & set(val)
        assert sorted(train + val) == everything


def test_val_without_a_fold_is_the_official_split(build):
    dataset = build('val', None)
    assert len(dataset) == 4
    assert not set(names(dataset)) & set(names(build('train', None)))


def test_unknown_parts_and_folds_are_named(build):
    with pytest.raises(ValueError, match="part='test'"):
        build('test', None)
    with pytest.raises(FoldError, match='Fold 4 does not exist'):
        build('train', 4)


def test_randomness_of_a_sample_is_a_function_of_its_key(build):
    dataset = build('train', 1, [Draws()])
    first = dataset[SampleKey(0, 3, 2)]
    dataset[SampleKey(0, 3, 1)]
    assert dataset[SampleKey(0, 3, 2)] == first
    others = [dataset[SampleKey(*key)] for key in ((1, 3, 2), (0, 4, 2), (0, 3, 1))]
    assert all(other != first for other in others)


def test_batches_do_not_depend_on_the_number_of_workers(cfg):
    prepare(cfg)
    batches = []
    for workers in (0, 2):
        loader = Runner.build_dataloader({**cfg.train_dataloader, 'num_workers': workers}, seed=7)
        loader.sampler.set_epoch(1)
        batches.append([torch.stack(batch['inputs']) for batch in loader])
    assert len(batches[0]) == len(batches[1]) > 1
    assert all(torch.equal(*pair) for pair in zip(*batches, strict=True))


def test_sampler_yields_keys_in_the_order_of_mmsegmentation(build):
    dataset = build('train', 1)
    sampler, host = SeededSampler(dataset, seed=5), DefaultSampler(dataset, seed=5)
    sampler.set_epoch(2)
    host.set_epoch(2)
    keys = list(sampler)
    assert [key.index for key in keys] == list(host)
    assert {(key.seed, key.epoch) for key in keys} == {(5, 2)}


def test_prepare_is_done_once_and_notices_changed_data(cfg, scenes, tmp_path):
    assert prepare(cfg).is_new
    assert not prepare(cfg).is_new
    (tmp_path / 'data').unlink()
    copy = tmp_path / 'data'
    import shutil

    shutil.copytree(scenes, copy)
    assert not prepare(cfg).is_new
    label = sorted(copy.glob('gtFine/train/*/*.png'))[0]
    label.write_bytes(label.read_bytes() + b'\0')
    with pytest.raises(FoldError, match='--renew'):
        prepare(cfg)
    with pytest.raises(FoldError, match='have changed'):
        KFoldDataset(**{key: value for key, value in cfg.train_dataloader.dataset.items() if key != 'type'})
    assert prepare(cfg, renew=True).is_new
    label.unlink()
    with pytest.raises(FileNotFoundError, match=label.name):
        prepare(cfg)


def test_config_and_file_must_agree(cfg):
    prepare(cfg)
    cfg.train_dataloader.dataset.folds.num_folds = 4
    arguments = {key: value for key, value in cfg.train_dataloader.dataset.items() if key != 'type'}
    with pytest.raises(FoldError, match='num_folds=3'):
        KFoldDataset(**arguments)


def test_data_root_is_linked_but_no_folder_replaced(cfg, scenes, tmp_path):
    link_data_root(cfg, scenes)
    assert (tmp_path / 'data').resolve() == scenes
    (tmp_path / 'data').unlink()
    (tmp_path / 'data').mkdir()
    with pytest.raises(FileExistsError, match='folder already'):
        link_data_root(cfg, scenes)
    with pytest.raises(FileNotFoundError, match='nowhere'):
        link_data_root(cfg, tmp_path / 'nowhere')


def test_missing_folder_says_what_to_do(cfg, tmp_path):
    (tmp_path / 'data').unlink()
    with pytest.raises(FileNotFoundError, match='--data-root'):
        prepare(cfg)
