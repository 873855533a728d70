import json

import cv2
import numpy as np
import pytest
from mmseg.datasets.transforms import LoadAnnotations

from mmseg_custom.datasets.transforms import MapLabelIds

CLASSES = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""Raw ids of the 19 classes of Cityscapes, in the order of their train ids."""
TABLE = {raw: CLASSES.index(raw) if raw in CLASSES else 255 for raw in range(-1, 34)}


def mapped(label, path='a/x_gtFine_labelIds.png', **arguments):
    results = {'gt_seg_map': np.asarray(label, np.uint8), 'seg_map_path': path}
    return MapLabelIds(TABLE, 19, **arguments)(results)['gt_seg_map']


def test_all_raw_ids_of_cityscapes():
    assert len(TABLE) == 35
    raw = np.array([list(range(34)) + [255]], np.uint8)
    expected = [TABLE[i] for i in range(34)] + [255]
    label = mapped(raw)
    assert label.tolist() == [expected] and label.dtype == np.uint8
    assert label[0, [7, 8, 18, 26, 33, 34]].tolist() == [0, 1, 255, 13, 18, 255]
    assert raw[0, 7] == 7
    assert MapLabelIds({7: 0}, 1)({'gt_seg_map': np.uint8([[7, 255]])})['gt_seg_map'].tolist() == [[0, 255]]


def test_train_ids_stay():
    train = np.array([list(range(19)) + [255]], np.uint8)
    np.testing.assert_array_equal(mapped(train, 'a/x_gtFine_labelTrainIds.png'), train)
    np.testing.assert_array_equal(mapped(train, 'a/x.png', ids='train'), train)


def test_name_goes_before_the_argument():
    assert mapped([[7]], 'x_labelIds.png', ids='train').tolist() == [[0]]
    assert mapped([[7]], 'x_labelTrainIds.png', ids='raw').tolist() == [[7]]
    assert mapped([[7]], 'labelIds/x.png', ids='train').tolist() == [[7]]


def test_auto_reads_the_ids_where_the_name_is_silent():
    assert mapped([[7, 26]], 'x.png').tolist() == [[0, 13]]
    assert mapped([[255, 255]], 'x.png').tolist() == [[255, 255]]
    only_raw_23 = MapLabelIds({23: 0}, 3)
    assert only_raw_23({'gt_seg_map': np.uint8([[0, 2]]), 'seg_map_path': 'x.png'})['gt_seg_map'].tolist() == [[0, 2]]
    with pytest.raises(ValueError, match=r"x\.png: its ids \[7, 8\] may be raw ids or train ids.*ids='raw'"):
        mapped([[7, 8]], 'x.png')


def test_unknown_ids_are_refused_with_file_id_and_pixels():
    with pytest.raises(ValueError, match=r'x_labelIds\.png: unknown ids .*\{40: 2, 99: 1\}.*raw ids.*table'):
        mapped([[40, 7, 40, 99]], 'x_labelIds.png')
    with pytest.raises(ValueError, match=r'x_labelTrainIds\.png: unknown ids .*\{19: 1\}.*train ids'):
        mapped([[0, 19]], 'x_labelTrainIds.png')


@pytest.mark.parametrize(
    'label', [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2)), np.array([[0, 300]]), np.array([[0, -3]])]
)
def test_other_images_are_refused_by_name(label):
    with pytest.raises(ValueError, match=r'^x_labelIds\.png: '):
        MapLabelIds(TABLE, 19)({'gt_seg_map': label, 'seg_map_path': 'x_labelIds.png'})


def test_wider_integers_become_8_bit():
    results = {'gt_seg_map': np.array([[7, 255]], np.int64), 'seg_map_path': 'x_labelIds.png'}
    label = MapLabelIds(TABLE, 19)(results)['gt_seg_map']
    assert label.tolist() == [[0, 255]] and label.dtype == np.uint8


def load(path):
    results = {'seg_map_path': str(path), 'seg_fields': [], 'reduce_zero_label': False}
    return MapLabelIds(TABLE, 19)(LoadAnnotations()(results))['gt_seg_map']


def test_files_behind_the_loader_of_mmsegmentation(tmp_path):
    raw = np.array([[7, 33], [0, 26]], np.uint8)
    eight, sixteen, wide = (tmp_path / f'{name}_labelIds.png' for name in ('eight', 'sixteen', 'wide'))
    cv2.imwrite(str(eight), raw)
    cv2.imwrite(str(sixteen), raw.astype(np.uint16))
    cv2.imwrite(str(wide), raw.astype(np.uint16) + np.uint16(256))
    assert load(eight).tolist() == load(sixteen).tolist() == [[0, 18], [255, 13]]
    with pytest.raises(ValueError, match=r'wide_labelIds\.png: .*289.*8 bit'):
        load(wide)
    colour = tmp_path / 'x_color.png'
    cv2.imwrite(str(colour), raw[..., None].repeat(3, 2))
    with pytest.raises(ValueError, match=r'x_color\.png: a label is a single-channel'):
        load(colour)


@pytest.mark.parametrize('change', [{'label_map': {0: 1}}, {'reduce_zero_label': True}])
def test_raw_ids_changed_by_mmsegmentation_are_refused(change):
    results = {'gt_seg_map': np.uint8([[7]]), 'seg_map_path': 'x_labelIds.png'} | change
    with pytest.raises(ValueError, match=f'applies {next(iter(change))}'):
        MapLabelIds(TABLE, 19)(results)


def test_sample_without_label_passes():
    assert MapLabelIds(TABLE, 19)({'img': 1}) == {'img': 1}


def test_table_survives_json():
    table = json.loads(json.dumps(TABLE))
    assert MapLabelIds(table, 19).table == TABLE
    assert 'table={-1: 255, 0: 255,' in repr(MapLabelIds(table, 19))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'table': {7: 19}}, 'maps 7 to 19; give 0 to 18'),
        ({'table': {300: 0}}, 'raw id 300'),
        ({'table': TABLE, 'ids': 'both'}, "ids='both'"),
        ({'table': TABLE, 'num_classes': 0}, 'num_classes=0'),
        ({'table': TABLE, 'ignore_index': 3}, 'ignore_index=3'),
    ],
)
def test_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MapLabelIds(**({'num_classes': 19} | arguments))
