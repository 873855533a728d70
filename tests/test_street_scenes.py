import json

import cv2
import numpy as np
import pytest

from street_scenes import TRAIN_CITIES, VAL_CITIES, Label, render_scene, write_dataset
from street_scenes.label_errors import break_label, wrong_pixels

EVALUATED = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
TRAIN, VAL = 48, 16


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('data') / 'streets'
    assert write_dataset(root, train=TRAIN, val=VAL)
    return root


def read(root, split):
    names = sorted((root / 'leftImg8bit' / split).glob('*/*_leftImg8bit.png'))
    labels = [
        root / 'gtFine' / split / n.parent.name / n.name.replace('leftImg8bit', 'gtFine_labelIds') for n in names
    ]
    assert names
    flags = cv2.IMREAD_UNCHANGED
    return np.stack([cv2.imread(str(n)) for n in names]), np.stack([cv2.imread(str(n), flags) for n in labels])


def test_same_seed_same_bytes_whatever_was_rendered_before():
    first = render_scene(3, 'Belmora', 64, 128)
    render_scene(4, 'Belmora', 32, 64)
    again = render_scene(3, 'Belmora', 64, 128)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize('other', [(4, 'Belmora'), (3, 'Korsvik'), (3, 7)])
def test_another_seed_or_city_is_another_street(other):
    labels = render_scene(3, 'Belmora', 64, 128)[1]
    assert (labels != render_scene(*other, 64, 128)[1]).mean() > 0.1


def test_image_and_labels():
    image, labels = render_scene(0, TRAIN_CITIES[0], 96, 160)
    assert image.shape == (96, 160, 3) and image.dtype == np.uint8
    assert labels.shape == (96, 160) and labels.dtype == np.uint8
    assert image.std() > 20


@pytest.mark.parametrize('seed', range(4))
def test_the_resolution_does_not_change_the_street(seed):
    small = render_scene(seed, 'Eskelund', 128, 256)[1]
    large = render_scene(seed, 'Eskelund', 256, 512)[1]
    assert (small == large[::2, ::2]).mean() > 0.9


@pytest.mark.parametrize('arguments', [(-1, 'Belmora', 64, 128), (0, 'Belmora', 8, 128)])
def test_impossible_arguments_are_named(arguments):
    with pytest.raises(ValueError, match='take a seed from 0'):
        render_scene(*arguments)


def test_layout_of_cityscapes(root):
    for split, count, cities in (('train', TRAIN, TRAIN_CITIES), ('val', VAL, VAL_CITIES)):
        images, labels = read(root, split)
        assert images.shape == (count, 128, 256, 3) and labels.shape == (count, 128, 256)
        assert {path.name for path in (root / 'gtFine' / split).iterdir()} == {city.lower() for city in cities}
    assert (root / 'leftImg8bit/train/belmora/belmora_000005_000019_leftImg8bit.png').is_file()
    assert (root / 'gtFine/val/korsvik/korsvik_000004_000019_gtFine_labelIds.png').is_file()
    assert not set(TRAIN_CITIES) & set(VAL_CITIES)
    assert [path.name for path in root.parent.iterdir()] == ['streets']


@pytest.mark.parametrize('split', ['train', 'val'])
def test_every_class_occurs_often_enough_and_roads_prevail(root, split):
    _, labels = read(root, split)
    assert set(np.unique(labels)) <= {int(label) for label in Label}
    share = {label: (labels == label).mean() for label in EVALUATED}
    images = {label: (labels == label).any(axis=(1, 2)).mean() for label in EVALUATED}
    assert min(share.values()) > 0.002 and min(images.values()) > 0.25
    assert sorted(share, key=share.get)[-2:] == [Label.BUILDING, Label.ROAD]
    assert 0.05 < (~np.isin(labels, EVALUATED)).mean() < 0.2
    assert (labels == Label.EGO_VEHICLE).any(axis=(1, 2)).all()


def lookup_miou(train, val):
    """Scores the majority class of each colour (5 bits a channel) of the train pixels on the val pixels."""
    index = np.full(256, 19)
    index[EVALUATED] = range(19)
    (train_bins, train_labels), (val_bins, val_labels) = (
        ((images >> 3).astype(int) @ (1024, 32, 1), index[labels]) for images, labels in (train, val)
    )
    votes = np.bincount((train_bins * 20 + train_labels).ravel(), minlength=32768 * 20).reshape(-1, 20)[:, :19]
    known = val_labels < 19
    pairs = val_labels[known] * 19 + votes.argmax(1)[val_bins][known]
    matrix = np.bincount(pairs, minlength=361).reshape(19, 19)
    hits = matrix.diagonal()
    return (hits / (matrix.sum(0) + matrix.sum(1) - hits)).mean()


def test_colour_alone_does_not_solve_it(root):
    train, val = read(root, 'train'), read(root, 'val')
    assert lookup_miou(train, train) > lookup_miou(train, val)
    assert 0.03 < lookup_miou(train, val) < 0.15


def test_a_larger_set_begins_with_the_smaller_one(root, tmp_path):
    write_dataset(tmp_path / 'few', train=9, val=1)
    names = sorted(path.relative_to(tmp_path / 'few') for path in (tmp_path / 'few').rglob('*.png'))
    assert len(names) == 20
    assert all((root / name).read_bytes() == (tmp_path / 'few' / name).read_bytes() for name in names)


def test_writing_twice_does_nothing_and_other_arguments_are_refused(tmp_path):
    options = dict(train=1, val=1, height=32, width=64)
    assert write_dataset(tmp_path / 'streets', **options)
    assert not write_dataset(tmp_path / 'streets', **options)
    assert json.loads((tmp_path / 'streets/streets.json').read_text())['train'] == 1
    with pytest.raises(FileExistsError, match='remove it or name another folder'):
        write_dataset(tmp_path / 'streets', **options, seed=1)


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    with pytest.raises(ValueError, match='at least 16 pixels'):
        write_dataset(tmp_path / 'streets', train=1, val=1, height=8, width=64)
    assert not list(tmp_path.iterdir())


CLASSES = (7, 8, 11)
STREET = np.array([[7, 7, 7, 0], [7, 11, 7, 0], [8, 8, 8, 8]], np.uint8)


def test_a_dropped_component_has_what_was_around_it():
    rng = np.random.default_rng(0)
    found = [break_label(STREET, (11,), 'drop', 1, rng), break_label(STREET, CLASSES, 'drop', 5, rng)]
    assert found[0].tolist() in ([[7, 7, 7, 0], [7, kind, 7, 0], [8, 8, 8, 8]] for kind in (7, 8))
    assert 7 not in found[1]  # The only component of at least 5 pixels.
    assert break_label(STREET, CLASSES, 'drop', 6, rng) is None


def test_two_classes_are_swapped_and_no_void():
    found = break_label(STREET, CLASSES, 'swap', 4, np.random.default_rng(0))
    assert found.tolist() == [[8, 8, 8, 0], [8, 11, 8, 0], [7, 7, 7, 7]]
    assert wrong_pixels(STREET, found, CLASSES).sum() == 9
    assert break_label(STREET, CLASSES, 'swap', 5, np.random.default_rng(0)) is None


def test_a_label_is_shifted_by_ten_pixels():
    label = np.arange(20, dtype=np.uint8).repeat(20).reshape(20, 20)
    found = {bytes(break_label(label, (), 'shift', 1, np.random.default_rng(seed))[:, 5]) for seed in range(20)}
    rows = list(range(20))
    assert bytes([*rows[10:], *[255] * 10]) in found and bytes([*[255] * 10, *rows[:10]]) in found
    assert len(found) in (3, 4)  # To the left nothing changes in this column, to the right it is void.


def test_a_part_of_the_train_labels_is_broken_and_named(tmp_path):
    write_dataset(tmp_path / 'whole', train=20, val=1)
    write_dataset(tmp_path / 'broken', train=20, val=1, label_errors=0.15)
    named = json.loads((tmp_path / 'broken/label_errors.json').read_text())
    assert sorted(named.values()) == ['drop', 'shift', 'swap']
    for path in (tmp_path / 'whole').rglob('*.png'):
        other = tmp_path / 'broken' / path.relative_to(tmp_path / 'whole')
        train_label = (tmp_path / 'whole/gtFine/train') in path.parents
        broken = train_label and '/'.join(path.parts[-2:]) in named
        assert (path.read_bytes() != other.read_bytes()) == broken
