"""Two predictions of the same images: the counts, and what a fix list takes out of both."""

import numpy as np
import pytest

from mmseg_custom.datasets.fix_list import FixList, Region
from mmseg_custom.evaluation.kept_predictions import KeptPredictions, Maps, PredictionError
from mmseg_custom.out_of_fold.paired_scores import compare_kept, paired_table

LABEL = np.array([[0, 0, 0, 1], [0, 0, 1, 255]], np.uint8)
WRONG = np.array([[0, 0, 1, 1], [0, 0, 1, 0]], np.uint8)  # One pixel of class 0 is taken for class 1.


def keep(folder, classes, label='l', seen=False):
    kept = KeptPredictions(folder)
    for name, predicted in classes.items():
        matrix = np.zeros((2, 2), int)
        np.add.at(matrix, (LABEL[LABEL != 255], predicted[LABEL != 255]), 1)
        counts = [[row, column, int(matrix[row, column])] for row, column in np.argwhere(matrix).tolist()]
        zeros = np.zeros_like(LABEL)
        kept.write(
            Maps(LABEL, predicted, zeros, zeros),
            name=name,
            image=name,
            label=name,
            made_of={'label': label},
            predicted_by='fold1',
            seen=seen,
            counts=counts,
            probability_sums=[0.0, 0.0],
            quality=0.5,
        )
    return kept


@pytest.fixture
def kept(tmp_path):
    right = np.where(LABEL == 255, 0, LABEL).astype(np.uint8)
    return keep(tmp_path / 'a', {'x': WRONG, 'y': right}), keep(tmp_path / 'b', {'x': right, 'y': right})


def test_each_side_is_scored_on_the_same_images(kept):
    scores = compare_kept(*kept, ['x', 'y'], 'pq')
    # Of class p 9 of 10 pixels are found and nothing else; class q has its 4 pixels and one more.
    assert scores.before['IoU.p'] == pytest.approx(90) and scores.before['IoU.q'] == pytest.approx(80)
    assert scores.after['mIoU'] == 100 and scores.gain('mIoU') == pytest.approx(15) and scores.images == 2
    low, high = scores.gains['mIoU']
    # Only y is drawn: no difference; only x: 80 and 66.7 become 100.
    assert low == 0 and high == pytest.approx(100 - (80 + 200 / 3) / 2)
    assert compare_kept(*kept, ['x', 'y'], 'pq', {'x': 'g', 'y': 'g'}).gains['mIoU'] == pytest.approx((15, 15))


def test_what_a_fix_list_names_counts_for_neither(kept):
    region = Region.of('x', (LABEL == 0) & (WRONG == 1))
    scores = compare_kept(*kept, ['x', 'y'], 'pq', fixes=FixList(void=[region]))
    assert scores.before['mIoU'] == scores.after['mIoU'] == 100
    assert compare_kept(*kept, ['x', 'y'], 'pq', fixes=FixList(['x'])).images == 1
    with pytest.raises(PredictionError, match='nothing to compare'):
        compare_kept(*kept, ['x'], 'pq', fixes=FixList(['x']))


def test_the_table_has_both_and_marks_seen_images(kept, tmp_path):
    scores = compare_kept(*kept, ['x', 'y'], 'pq')
    text = paired_table({'all labels': scores, 'the rest': scores}, 'old', 'new')
    row = next(line for line in text.splitlines() if line.startswith('| q '))
    assert row.split()[1:7] == ['q', '|', '80.00', '|', '100.00', '|'] and '+20.00' in row and '*' not in text
    seen = compare_kept(keep(tmp_path / 's', {'x': WRONG}, seen=True), kept[1], ['x'], 'pq')
    assert seen.seen == 1 and '80.00*' in paired_table({'': seen}, 'old', 'new')


def test_predictions_of_other_labels_are_not_compared(kept, tmp_path):
    other = keep(tmp_path / 'c', {'x': WRONG}, label='corrected')
    with pytest.raises(PredictionError, match='x has another label'):
        compare_kept(kept[0], other, ['x'], 'pq')
