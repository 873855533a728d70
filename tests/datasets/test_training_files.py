"""What is known of image files and labels of any data set before a training."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmseg_custom.datasets.checks.training_images import check_images, find_left_files
from mmseg_custom.datasets.checks.training_labels import check_labels
from mmseg_custom.datasets.folds.fold_dataset import FoldDataset
from mmseg_custom.datasets.folds.leaves import build_leaves, list_samples
from mmseg_custom.datasets.folds.make_folds import make_folds
from mmseg_custom.errors import UserError

CLASSES = ('ground', 'box', 'car')
LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
DATA = dict(
    type='BaseSegDataset',
    data_root='data',
    data_prefix=dict(img_path='images', seg_map_path='labels'),
    metainfo=dict(classes=CLASSES),
)
LABELS = ([[0, 1]], [[1, 0]], [[2, 0]], [[0, 1]])


@TRANSFORMS.register_module()
class OwnIds(BaseTransform):
    """What a user may have: ids that no stock transform knows."""

    def transform(self, results):
        results['gt_seg_map'] = results['gt_seg_map'] // 100
        return results


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, label in enumerate(LABELS):
        write(number, label)


def write(number, label):
    label = np.repeat(np.repeat(np.array(label, np.uint8), 24, 0), 16, 1)
    image = np.random.default_rng(number).integers(0, 255, (*label.shape, 3), np.uint8)
    for folder, suffix, pixels in (('images', 'jpg', image), ('labels', 'png', label)):
        Path('data', folder).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(f'data/{folder}/{number}.{suffix}', pixels)


def labels(**settings):
    leaves = build_leaves({**DATA, 'pipeline': LOAD, **settings})
    samples = list_samples(leaves)
    return check_labels(leaves, samples, make_folds(samples, num_folds=2, seed=1), Path('counts.npz'))


def images(**settings):
    leaves = build_leaves({**DATA, 'pipeline': LOAD, **settings})
    return [*find_left_files(leaves), *check_images(leaves, list_samples(leaves))]


def test_a_class_of_one_fold_alone_is_told(data):
    samples = list_samples(build_leaves({**DATA, 'pipeline': LOAD}))
    folds = make_folds(samples, num_folds=2, seed=1).folds
    has_it = 1 if '2' in folds[0] else 2
    assert sorted(labels()) == sorted(
        [
            f'fold {has_it} never trains on car: its held-out images alone have such pixels',
            f'fold {3 - has_it} is not scored on car: its held-out images have no such pixel',
        ]
    )


def test_an_id_without_class_is_named_with_its_file_also_when_it_was_counted_before(data):
    labels()
    write(2, [[0, 7]])
    for _ in range(2):
        with pytest.raises(UserError, match=r'^1 of 4 labels .* data/labels/2\.png: 7\. .* ids are 0 to 2,'):
            labels()
    assert labels(pipeline=[*LOAD, dict(type='OwnIds')]) == []  # Nobody knows what becomes of 7 there.


def test_one_class_and_255_or_255_alone_is_nothing_to_learn(data):
    for number in range(4):
        write(number, [[0, 255]])
    with pytest.raises(UserError, match=r"^The train labels hold 'ground' and 255 alone"):
        labels()
    table = dict(type='MapLabelIds', table={0: 0, 255: 2}, num_classes=3)
    assert labels(pipeline=[*LOAD, table]) == ['no label has a pixel of box']
    for number in range(4):
        write(number, [[255]])
    with pytest.raises(UserError, match=r'^No pixel of the 4 labels has a class'):
        labels()


def test_what_is_no_image_or_not_of_its_size_is_refused(data):
    assert images() == []
    write(4, [[0, 1]])
    cv2.imwrite('data/labels/4.png', np.zeros((20, 30), np.uint8))
    with pytest.raises(UserError, match=r'labels/4\.png has 30 x 20, data/images/4\.jpg 32 x 24'):
        images()
    Path('data/images/1.jpg').write_bytes(b'')
    with pytest.raises(UserError, match=r'^1 of 5 image files .*\(data/images/1\.jpg, of 0 bytes\)'):
        images()


def test_images_of_another_suffix_are_told(data):
    Path('data/images/3.jpg').rename('data/images/3.JPG')
    assert images() == ["1 of 4 images in data/images do not end in img_suffix='.jpg' and are left out: 3.JPG"]


def test_a_fold_names_the_image_that_fails_in_training(data):
    dataset = {'type': 'RepeatDataset', 'times': 2, 'dataset': {**DATA, 'pipeline': LOAD}}
    fold = FoldDataset(dataset, dict(num_folds=2, seed=1), fold=1)
    image = Path(f'data/images/{fold.names[1]}.jpg')
    image.write_bytes(b'x')
    with pytest.raises(UserError, match=f'^Image {image} or its label cannot be used'):
        fold[len(fold.names) + 1]
