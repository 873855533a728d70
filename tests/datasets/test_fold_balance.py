import numpy as np

from mmseg_custom.datasets import FoldSplit
from mmseg_custom.datasets.folds.fold_balance import describe_balance, fold_pixels
from mmseg_custom.datasets.folds.leaves import Sample


def test_pixels_of_an_image_count_once():
    samples = [Sample(0, n, name, {}) for n, name in enumerate(['a', 'b', 'c', 'a'])]
    spec = dict(num_folds=2, seed=0, group_by=None, block_size=None, fingerprint='')
    split = FoldSplit(**spec, folds=[['a'], ['b', 'c']])
    assert fold_pixels(split, samples, np.array([[1, 2], [3, 4], [5, 6], [1, 2]])).tolist() == [[1, 2], [8, 10]]


def test_the_rarest_class_is_told():
    assert describe_balance(np.array([[90, 9], [90, 11]]), ['road', 'pole']) == [
        'the rarest class, pole (10.00% of the pixels), has 90% to 110% of its mean in a fold'
    ]


def test_what_is_uneven_or_lacks_is_told():
    lines = describe_balance(np.array([[90, 20, 0, 0], [90, 0, 30, 0]]), ['road', 'pole', 'sign', 'cat'])
    assert lines == [
        'the rarest class, pole (8.70% of the pixels), has 0% to 200% of its mean in a fold: groups or images are '
        'too few to share it out evenly',
        'no label has a pixel of cat',
        'fold 1 is not scored on sign: its held-out images have no such pixel',
        'fold 1 never trains on pole: its held-out images alone have such pixels',
        'fold 2 is not scored on pole: its held-out images have no such pixel',
        'fold 2 never trains on sign: its held-out images alone have such pixels',
    ]
    assert describe_balance(np.zeros((2, 1)), ['road']) == ['no pixel of any fold has a class']
