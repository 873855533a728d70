"""Images that are not on a local disk; their packed samples are."""

import shutil
from pathlib import Path

import pytest
import torch
from counting_backend import PREFIX, reads
from packed_scenes import build

from mmseg_custom.datasets import FoldError, SampleKey
from mmseg_custom.datasets.checks.bad_samples import SampleError
from mmseg_custom.datasets.packed import pack as packing
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.datasets.sample_files import SampleFilesError


@pytest.fixture
def remote(packed_cfg):
    """A config whose images are elsewhere."""
    for loader in packing.LOADERS:
        packed_cfg[loader].dataset.data_root = f'{PREFIX}data'
    return packed_cfg


def test_images_elsewhere_are_taken_by_name_and_that_is_said(remote, said):
    plain = build(remote, data_root='data', packed=None, fold=2)
    expected = [plain[SampleKey(42, 3, index)] for index in range(len(plain))]
    dataset = build(remote, fold=2)
    shutil.rmtree(Path('data/leftImg8bit/train'))
    for index, sample in enumerate(expected):
        ours = dataset[SampleKey(42, 3, index)]
        assert torch.equal(ours['inputs'], sample['inputs'])
        assert torch.equal(ours['data_samples'].gt_sem_seg.data, sample['data_samples'].gt_sem_seg.data)
    assert not reads('.png')
    assert len(said) == 1
    assert 'not on a local disk, so packed samples are taken by name' in said[0]


def test_arguments_of_a_backend_do_not_make_another_store(remote):
    steps = [dict(step, backend_args=dict(backend='counting')) for step in remote.load[:2]]
    dataset = build(remote, pipeline=[*steps, *remote.load[2:], *remote.pack], backend_args=dict(backend='counting'))
    assert len(dataset.store) == 10


def test_images_elsewhere_that_the_store_lacks_are_read_there(remote):
    shard_folder = next(Path('packed').glob('train_*'))
    (shard_folder / 'shard_00001.json').unlink()
    dataset, plain = build(remote), build(remote, data_root='data', packed=None)
    for index in range(10):
        assert torch.equal(dataset[SampleKey(0, 0, index)]['inputs'], plain[SampleKey(0, 0, index)]['inputs'])
    assert len(reads('.png')) == 3 * 2
    (shard_folder / 'shard_00002.bin').unlink()
    gone = build(remote)
    shutil.rmtree(Path('data/leftImg8bit/train'))
    with pytest.raises(SampleError, match='No such file'):
        gone[6]


def test_folds_of_images_elsewhere_are_those_of_the_same_names(remote):
    assert not prepare(remote).is_new
    image = next(Path('data/leftImg8bit/train').rglob('*.png'))
    image.rename(image.with_name('other_000000_000000_leftImg8bit.png'))
    with pytest.raises(FoldError, match='have changed'):
        build(remote, fold=2)
    Path('folds.json').unlink()
    with pytest.raises(FoldError, match='not on a local disk: make it with data_root=DIR'):
        prepare(remote)


def test_packed_samples_elsewhere_are_refused(remote):
    with pytest.raises(SampleFilesError, match=r"packed='s3://bucket/packed' is not on a local disk.*copy the"):
        build(remote, packed='s3://bucket/packed')
