import os
import pickle
import shutil
from pathlib import Path

import mmcv
import numpy as np
import pytest
from packed_scenes import IMAGE_AND_LABEL, assert_all_same, assert_same, build, make_config

from mmseg_custom.datasets import SampleKey
from mmseg_custom.datasets.checks.bad_samples import SampleError
from mmseg_custom.datasets.packed import pack as packing
from mmseg_custom.datasets.packed import packed_store
from mmseg_custom.datasets.packed.pack import PackError, pack
from mmseg_custom.datasets.packed.shard_files import read_shard_index


@pytest.fixture
def cfg(tiny_recipe, scenes, tmp_path):
    return make_config(tiny_recipe, scenes, tmp_path)


def first_image(cfg):
    return Path(build(cfg).get_data_info(0)['img_path'])


@pytest.mark.parametrize('loader', packing.LOADERS)
@pytest.mark.parametrize(('part', 'fold'), [('train', None), ('val', None), ('train', 2), ('val', 2)])
def test_packed_samples_are_bit_for_bit_those_of_the_files(cfg, loader, part, fold, monkeypatch):
    plain = build(cfg, loader, part=part, fold=fold, packed=None)
    expected = [plain[SampleKey(42, 3, index)] for index in range(len(plain))]
    pack(cfg)
    packed = pickle.loads(pickle.dumps(build(cfg, loader, part=part, fold=fold)))
    monkeypatch.setattr(mmcv, 'imfrombytes', None)  # Nothing is decoded any more.
    for index, sample in enumerate(expected):
        assert_same(packed[SampleKey(42, 3, index)], sample)


def test_a_sample_is_its_own(cfg):
    pack(cfg)
    dataset = build(cfg, pipeline=cfg.load)
    dataset[0]['img'][:] = 0
    assert dataset[0]['img'].any()


def test_labels_of_another_size_than_the_image(cfg):
    steps = [*cfg.read_image, dict(type='Resize', scale=(48, 24), keep_ratio=False), *cfg.read_label, *cfg.pack]
    for loader in packing.LOADERS:
        cfg[loader].dataset.pipeline = steps
    pack(cfg)
    assert_all_same(build(cfg), build(cfg, packed=None))


@pytest.mark.parametrize('kind', ['img_path', 'seg_map_path'])
def test_a_changed_file_is_read_anew(cfg, kind, monkeypatch):
    said = []
    monkeypatch.setattr(packed_store, 'print_log', lambda message, *_: said.append(message))
    pack(cfg)
    before = build(cfg)
    changed, other = (before.get_data_info(index)[kind] for index in (0, 1))
    shutil.copyfile(other, changed)
    assert_all_same(before, build(cfg, packed=None))
    assert_all_same(build(cfg), build(cfg, packed=None))
    assert 'has 9 of 10 samples as their files are now' in said[0]
    (train, *_) = pack(cfg)
    assert train.num_written == 1
    assert len(build(cfg).store) == 10


def damage_byte(shard):
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    shard.write_bytes(content)


def cut(shard):
    shard.write_bytes(shard.read_bytes()[:50])


def damage_index(shard):
    index = shard.with_suffix('.json')
    index.write_text(index.read_text().replace('"offset": 0', '"offset": 64'))


def cut_index(shard):
    shard.with_suffix('.json').write_text('{"samples": [')


def test_a_store_all_of_whose_files_have_changed_is_said(cfg, monkeypatch):
    said = []
    monkeypatch.setattr(packed_store, 'print_log', lambda message, *_: said.append(message))
    pack(cfg)
    for image in Path('data').rglob('*.png'):
        os.utime(image, (1, 1))
    assert_all_same(build(cfg), build(cfg, packed=None))
    assert ['has 0 of 10 samples as their files are now' in message for message in said] == [True]


@pytest.mark.parametrize('damage', [damage_byte, cut, Path.unlink, damage_index, cut_index])
def test_a_damaged_store_gives_no_wrong_sample_and_is_packed_anew(cfg, damage):
    (train, *_) = pack(cfg)
    damage(train.folder / 'shard_00000.bin')
    assert_all_same(build(cfg), build(cfg, packed=None))
    shutil.rmtree(train.folder)
    assert_all_same(build(cfg), build(cfg, packed=None))


def test_packing_goes_on_where_it_was(cfg, monkeypatch):
    monkeypatch.setattr(packing, 'SHARD_BYTES', 3 * IMAGE_AND_LABEL)
    train, val = pack(cfg, workers=2)
    assert (train.num_samples, train.num_written) == (10, 4)
    assert (val.num_samples, val.num_written) == (4, 2)
    assert train.num_bytes == 10 * IMAGE_AND_LABEL
    (train.folder / 'shard_00002.json').unlink()
    train, val = pack(cfg)
    assert (train.num_written, val.num_written) == (1, 0)
    assert_all_same(build(cfg), build(cfg, packed=None))
    monkeypatch.setattr(packing, 'SHARD_BYTES', 5 * IMAGE_AND_LABEL)
    train, _ = pack(cfg)
    assert sorted(path.name for path in train.folder.glob('shard_*')) == [
        f'shard_0000{number}.{suffix}' for number in (0, 1) for suffix in ('bin', 'json')
    ]


def test_another_size_or_table_of_ids_has_a_store_of_its_own(cfg):
    pack(cfg)
    resized = [dict(step, scale=(32, 16)) if step['type'] == 'Resize' else step for step in cfg.load]
    renamed = [dict(step, table={**step['table'], 7: 1}) if 'table' in step else step for step in cfg.load]
    for load in (resized, renamed):
        assert_all_same(build(cfg, pipeline=[*load, *cfg.pack]), build(cfg, pipeline=[*load, *cfg.pack], packed=None))
        assert build(cfg, pipeline=[*load, *cfg.pack]).store is None


def test_a_bad_sample_is_named_or_left_out(cfg):
    bad = first_image(cfg)
    bad.write_bytes(b'no image')
    with pytest.raises(SampleError, match=bad.name):
        pack(cfg)
    for loader in packing.LOADERS:
        cfg[loader].dataset.on_bad_sample = 'skip'
    (train, *_) = pack(cfg)
    assert train.num_samples == 9
    assert_all_same(build(cfg), build(cfg, packed=None))


def test_a_wholly_ignored_label_is_found_in_the_store_too(cfg):
    label = Path(build(cfg).get_data_info(0)['seg_map_path'])
    mmcv.imwrite(np.zeros((32, 64), np.uint8), str(label))
    pack(cfg)
    dataset = build(cfg)
    assert len(dataset.store) == len(dataset)
    with pytest.raises(SampleError, match='wholly ignored'):
        dataset[0]


def test_what_cannot_be_packed_is_said(cfg, monkeypatch):
    monkeypatch.setattr(packing, 'free_bytes', lambda folder: 1000)
    with pytest.raises(PackError, match=r'1\.0 kB free, the store needs 81\.9 kB'):
        pack(cfg)
    cfg.train_dataloader.dataset.packed = None
    with pytest.raises(PackError, match=r"train_dataloader does not say where.*packed='data/packed/NAME'"):
        pack(cfg)
    cfg.train_dataloader.dataset.update(packed='packed', pipeline=cfg.pack)
    with pytest.raises(PackError, match='does not begin with a loading transform'):
        pack(cfg)


def test_the_index_names_the_files_it_was_made_of(cfg):
    (train, *_) = pack(cfg)
    row = read_shard_index(train.folder / 'shard_00000.bin')[0]
    image = first_image(cfg)
    assert image.name.startswith(Path(row['name']).name)
    assert row['files'][0] == [image.stat().st_size, image.stat().st_mtime_ns]
