import numpy as np
import pytest
from mmseg.registry import DATASETS
from user_data import settings, write_pairs

from mmseg_custom.datasets.class_colours import MetainfoError, check_palette, default_palette

NAMES = ('ground', 'box')


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_pairs('train', ['a'])


def metainfo(**info):
    return DATASETS.build(settings(metainfo=info)).metainfo


def test_without_colours_every_class_gets_one_and_the_same_as_in_mmsegmentation():
    # The first numbers of NumPy's legacy generator with the seed 42, below 255.
    assert default_palette(2) == [[102, 179, 92], [14, 106, 71]]
    for info in ({}, {'palette': None}, {'palette': []}):
        assert metainfo(classes=NAMES, **info)['palette'] == default_palette(2)


def test_colours_may_be_tuples_and_arrays():
    for palette in ([(1, 2, 3), (4, 5, 6)], np.array([[1, 2, 3], [4, 5, 6]]), [np.array([1, 2, 3]), [4, 5, 6]]):
        assert check_palette(NAMES, palette) == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ('info', 'message'),
    [
        ({'palette': [[1, 2, 3]]}, '2 classes and 1 colours'),
        ({'palette': [[1, 2, 3], [4, 5, 256]]}, r"\[4, 5, 256\] for 'box': a colour is"),
        ({'palette': [[1, 2, -1], [4, 5, 6]]}, r"\[1, 2, -1\] for 'ground'"),
        ({'palette': [[1, 2], [4, 5, 6]]}, r"\[1, 2\] for 'ground'"),
        ({'palette': [[0.5, 2, 3], [4, 5, 6]]}, r"\[0\.5, 2, 3\] for 'ground'"),
        ({'palette': ['red', 'blue']}, "'red' for 'ground'"),
        ({'palette': {'ground': [1, 2, 3]}}, 'is no list of colours'),
        ({'classes': ('box', 'box')}, "names 'box' more than once"),
        ({'classes': ()}, 'has 0 names'),
        ({'classes': None}, 'classes=None is no list of names'),
        ({'classes': (1, 2)}, r'classes=\(1, 2\) is no list of names'),
    ],
)
def test_colours_and_classes_that_cannot_be_are_refused_when_the_data_set_is_built(info, message):
    with pytest.raises(MetainfoError, match=message):
        metainfo(**{'classes': NAMES, **info})
