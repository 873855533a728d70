import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from injected_faults import INJECTIONS, empty_label, ignored_label, image, label, name, same_pixels, save
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from PIL import Image

from mmseg_custom.datasets import FoldError, KFoldDataset, SampleKey
from mmseg_custom.datasets.checks.bad_samples import SampleError, skipped_in, skipped_records
from mmseg_custom.datasets.prepare import prepare

# What a look at one pair cannot show: it takes the whole set.
OF_THE_SET = ('label_without_image', 'smaller_pair', 'same_pixels', 'val_image_in_train')
OF_A_PAIR = [inject for inject in INJECTIONS if inject.__name__ not in OF_THE_SET]
IGNORED = 255


@pytest.fixture
def cfg(tiny_recipe, scenes, tmp_path):
    """A config over a copy of the scenes that a test may damage; the folds are made."""
    (tmp_path / 'data').unlink()
    shutil.copytree(scenes, tmp_path / 'data')
    cfg = Config.fromfile(tiny_recipe / 'tiny_stage2.py')
    prepare(cfg)
    return cfg


@pytest.fixture
def build(cfg):
    def build(policy='stop', part='train', fold=None, pipeline=None):
        settings = {**cfg.train_dataloader.dataset, 'part': part, 'fold': fold, 'on_bad_sample': policy}
        settings['pipeline'] = pipeline or cfg.val_dataloader.dataset.pipeline
        return KFoldDataset(**{key: value for key, value in settings.items() if key != 'type'})

    return build


def position(dataset, path):
    return [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))].index(str(path))


@pytest.mark.parametrize('inject', OF_A_PAIR, ids=lambda inject: inject.__name__)
def test_a_bad_sample_is_named_or_replaced_by_the_next(build, inject):
    _, path, _, skip = inject()
    part, _, stem = skip.partition('/')
    bad = f'data/leftImg8bit/{part}/{stem}_leftImg8bit.png'
    dataset = build('stop', part)
    index = position(dataset, bad)
    with pytest.raises(SampleError, match=f"{bad} or its label cannot be used: .*on_bad_sample='skip'") as stopped:
        dataset[index]
    assert Path(path).name in str(stopped.value)
    sample, following = build('skip', part)[index], dataset[index + 1]
    assert torch.equal(sample['inputs'], following['inputs'])
    (reason,) = skipped_in(pseudo_collate([sample, following])).values()
    assert reason in str(stopped.value)
    target, expected = (data['data_samples'].gt_sem_seg.data for data in (sample, following))
    assert torch.equal(target, expected if part == 'train' else torch.full_like(expected, IGNORED))


def test_the_set_is_walked_around_and_a_set_without_a_good_sample_is_refused(build):
    dataset = build('skip', 'val')
    for number in (1, 2, 3):
        image(number, 'val').write_bytes(b'')
    assert torch.equal(dataset[1]['inputs'], dataset[0]['inputs'])
    assert list(skipped_in(pseudo_collate([dataset[1]]))) == [str(image(number, 'val')) for number in (1, 2, 3)]
    image(0, 'val').unlink()
    with pytest.raises(SampleError, match='None of the 4 samples can be used'):
        dataset[1]


def test_what_stands_in_is_a_function_of_the_key(build, cfg):
    dataset = build('skip', pipeline=cfg.train_dataloader.dataset.pipeline)
    image(3).unlink()
    first = dataset[SampleKey(7, 2, 3)]['inputs']
    dataset[SampleKey(7, 2, 8)]
    assert torch.equal(dataset[SampleKey(7, 2, 3)]['inputs'], first)
    assert not torch.equal(dataset[SampleKey(7, 3, 3)]['inputs'], first)


@pytest.mark.parametrize('fold', [1, 2, 3])
def test_a_vanished_file_moves_no_index_of_a_fold(build, fold):
    before = build('skip', fold=fold)
    paths = [before.get_data_info(index)['img_path'] for index in range(len(before))]
    image(3).unlink()
    label(5).unlink()
    after = build('skip', fold=fold)
    assert [after.get_data_info(index)['img_path'] for index in range(len(after))] == paths
    with pytest.raises((FoldError, FileNotFoundError)):
        build('stop', fold=fold)


def test_a_recipe_goes_on_without_vanished_files_only_if_told_so(cfg):
    empty_label()
    image(3).unlink()
    with pytest.raises(FoldError, match='does not fit the data'):
        prepare(cfg)
    cfg.train_dataloader.dataset.on_bad_sample = 'skip'
    assert not prepare(cfg).is_new


def test_a_palette_label_is_read_as_its_indices(build):
    ids = cv2.imread(str(label(3)), cv2.IMREAD_UNCHANGED)
    palette = Image.fromarray(ids, 'L').convert('P')
    palette.putpalette([value for gray in range(256) for value in (255 - gray, gray, 7)])
    palette.putdata(ids.ravel().tolist())
    expected = build()[3]['data_samples'].gt_sem_seg.data
    palette.save(label(3))
    assert Image.open(label(3)).mode == 'P'
    assert torch.equal(build()[3]['data_samples'].gt_sem_seg.data, expected)


def test_a_crop_without_a_class_is_no_bad_sample(build, cfg):
    ids = np.full((32, 64), 4, np.uint8)
    ids[:, 60:] = 7
    save(label(3), ids)
    crop = dict(type='RandomCrop', crop_size=(32, 60))
    steps = [*cfg.load, crop, *cfg.val_dataloader.dataset.pipeline[len(cfg.load) :]]
    dataset = build(pipeline=steps)
    targets = [dataset[SampleKey(0, epoch, 3)]['data_samples'].gt_sem_seg.data for epoch in range(8)]
    assert any((target == IGNORED).all() for target in targets)


def test_a_truncated_jpeg_does_not_depend_on_what_the_decoder_makes_of_it(build, cfg):
    pixels = cv2.imread(str(image(3)))
    _, content = cv2.imencode('.jpg', pixels)
    image(3).write_bytes(content.tobytes())
    assert build()[3]['inputs'].shape == (3, 32, 64)
    image(3).write_bytes(content.tobytes()[:-30])
    with pytest.raises(SampleError, match='truncated'):
        build()[3]


def test_policies_and_records(build):
    with pytest.raises(ValueError, match="on_bad_sample='ignore' is unknown: use one of"):
        build('ignore')
    same_pixels()
    assert not skipped_in(pseudo_collate([build('skip')[3]]))
    records = skipped_records({'train': {'b.png': 'no file', 'a.png': '0 bytes'}, 'test': {}})
    assert records == [
        {'loader': 'train', 'file': 'a.png', 'reason': '0 bytes'},
        {'loader': 'train', 'file': 'b.png', 'reason': 'no file'},
    ]
    assert ignored_label()[3] == name(1, 'val')
