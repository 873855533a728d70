import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmseg_custom.reports.augmentation_sheet import LEVELS, augment_samples, draw_sheet, overlay_label

ROOT = Path(__file__).resolve().parents[2]
LEVELS_OF_RECIPE = Config.fromfile(ROOT / 'configs/_base_/augmentations.py')
PALETTE = [[10, 20, 30], [200, 100, 0]]


def random_sample(height=32, width=64):
    rng = np.random.default_rng(0)
    img = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    label = rng.integers(0, 2, (height, width), dtype=np.uint8)
    return {'img': img, 'gt_seg_map': label, 'seg_fields': ['gt_seg_map'], 'img_shape': (height, width)}


def rows_of(samples, seed=0, draws=2):
    return augment_samples(samples, {level: LEVELS_OF_RECIPE[level] for level in LEVELS}, seed, draws)


def test_every_transform_has_a_row_and_acts():
    sample = random_sample()
    rows = rows_of([sample])
    single = [step['type'] for step in LEVELS_OF_RECIPE.advanced]
    levels = ['level none', 'level standard', 'level standard', 'level advanced', 'level advanced']
    assert [row.title for row in rows] == ['original', *single, *levels]
    assert len(single) == 14
    changed = {row.title for row in rows[1:15] if (row.pairs[0][0] != sample['img']).any()}
    assert changed | {'RandomChannelShuffle'} == set(single)  # one of its six orders is the old one
    moved = {row.title for row in rows[1:15] if (row.pairs[0][1] != sample['gt_seg_map']).any()}
    assert moved == {'RandomFlip', 'RandomUpscaleCrop', 'RandomElastic'}
    for row in (rows[0], rows[15]):
        np.testing.assert_array_equal(row.pairs[0][0], sample['img'])


def test_notes_say_level_and_arguments():
    flip, jitter = rows_of([random_sample()])[1:3]
    assert flip.notes == ['standard', 'prob 0.5', 'direction horizontal']
    assert jitter.notes[2] == 'brightness 0.8 to 1.2'


def test_a_transform_without_probability_is_shown_as_it_is():
    sample = random_sample()
    row = augment_samples([sample], {'own': [{'type': 'Resize', 'scale': (32, 16)}]}, seed=0)[1]
    assert (row.title, row.notes) == ('Resize', ['own', 'scale 32 to 16'])
    assert row.pairs[0][0].shape == (16, 32, 3)
    assert sample['img'].shape == (32, 64, 3)


def test_label_is_blended_in_rgb_and_ignored_pixels_turn_dark():
    image = np.full((1, 3, 3), 100, np.uint8)
    painted = overlay_label(image, np.array([[0, 1, 255]]), PALETTE)
    assert painted.tolist() == [[[58, 52, 46], [40, 100, 160], [40, 40, 40]]]


def test_a_cell_of_the_sheet_is_the_image():
    sample = random_sample(120, 240)
    sheet = draw_sheet(rows_of([sample])[:1], ['name'], PALETTE)
    assert sheet.dtype == np.uint8
    bottom, right = sheet.shape[0] - 8, sheet.shape[1] - 8
    label = sheet[bottom - 120 : bottom, right - 240 : right]
    np.testing.assert_array_equal(label, overlay_label(sample['img'], sample['gt_seg_map'], PALETTE))
    image = sheet[bottom - 120 : bottom, right - 488 : right - 248]
    np.testing.assert_array_equal(image, sample['img'])
    assert sheet[:, : right - 488].min() < 50  # the title


@pytest.mark.parametrize(('width', 'shown'), [(64, 240), (300, 300), (1024, 512)])
def test_sheet_grows_with_the_samples_by_cells_that_fit_a_screen(width, shown):
    rows = rows_of([random_sample(32, width)] * 2)[:1]
    two = draw_sheet(rows, ['a', 'b'], PALETTE)
    one = draw_sheet([rows[0]._replace(pairs=rows[0].pairs[:1])], ['a'], PALETTE)
    assert two.shape[1] - one.shape[1] == 2 * (shown + 8)


@pytest.fixture
def browse(tiny_recipe, monkeypatch):
    """Runs the tool on the tiny recipe and returns the bytes of its file."""
    monkeypatch.syspath_prepend(ROOT / 'tools')

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['browse_augmentations.py', *arguments])
        runpy.run_path(str(ROOT / 'tools/browse_augmentations.py'), run_name='__main__')
        return Path('work_dirs/tiny_stage2_augmentations.png').read_bytes()

    return run


def test_same_seed_same_file_and_other_seed_other_file(browse, tiny_recipe):
    config = str(tiny_recipe / 'tiny_stage2.py')
    first = browse(config)
    assert browse(config, '--seed', '0') == first
    assert browse(config, '--seed', '1') != first
    one = browse(config, '--images', '1')
    widths = [cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).shape[1] for content in (first, one)]
    assert widths[0] - widths[1] == 2 * (240 + 8)


def test_number_of_images_is_checked(browse, tiny_recipe):
    with pytest.raises(SystemExit, match='11 images cannot be chosen: the data set has 10'):
        browse(str(tiny_recipe / 'tiny_stage2.py'), '--images', '11')


def test_a_config_without_levels_is_refused_by_name(browse, tmp_path):
    (tmp_path / 'bare.py').write_text('')
    with pytest.raises(SystemExit, match='has no load, none, standard, advanced'):
        browse('bare.py')
