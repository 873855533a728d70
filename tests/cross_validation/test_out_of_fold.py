import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_up_folds import write_folds

from mmseg_custom.cross_validation.fold_scores import add_up_folds, out_of_fold_table, write_out_of_fold
from mmseg_custom.cross_validation.image_groups import groups_of_images
from mmseg_custom.datasets.folds.leaves import Sample
from mmseg_custom.datasets.folds.make_folds import make_folds
from mmseg_custom.evaluation.bootstrap import area_intervals
from mmseg_custom.reports.findings.out_of_fold import read_out_of_fold

FOLDS = {'fold1': (77.5, 87.5, 87.5, 75, 80), 'fold2': (60, 75, 75, 60, 60)}
# The sum of the three matrices is [[9, 3], [2, 10]].
POOLED = (100 * (9 / 14 + 10 / 15) / 2, 100 * 19 / 24, 100 * (9 / 12 + 10 / 12) / 2, 900 / 14, 1000 / 15)


@pytest.fixture
def ledger(tmp_path):
    return write_folds(tmp_path)


def test_scores_by_hand(ledger):
    found = add_up_folds(ledger)
    assert {fold.name: tuple(fold.scores.values()) for fold in found.folds} == {
        name: pytest.approx(scores) for name, scores in FOLDS.items()
    }
    both = np.array(list(FOLDS.values()))
    assert list(found.mean.values()) == pytest.approx(both.mean(0))
    assert list(found.deviation.values()) == pytest.approx(both.std(0, ddof=1))
    assert tuple(found.pooled.values()) == pytest.approx(POOLED)
    assert (found.classes, found.unit, found.images) == (['road', 'sky'], 'iteration', 3)


def test_images_are_drawn_one_by_one(ledger):
    found = add_up_folds(ledger)
    # One image three times is 1 of 27 draws, more than 2.5 %: b has an IoU of 2 / 6 everywhere, c of 1.
    assert found.intervals == {key: pytest.approx((100 / 3, 100)) for key in ('mIoU', 'IoU.road', 'IoU.sky')}
    assert '95 % interval over images 33.33 to 100.00.' in out_of_fold_table(found)


def test_groups_are_drawn_whole(ledger):
    found = add_up_folds(ledger, groups={'a.png': 'one', 'b.png': 'two', 'c.png': 'two'})
    # One group twice is 1 of 4 draws: the ends are the folds.
    assert found.intervals['mIoU'] == pytest.approx((60, 77.5))
    assert found.intervals['IoU.sky'] == pytest.approx((60, 80))
    assert '95 % interval over its 2 groups 60.00 to 77.50.' in out_of_fold_table(found)


def test_class_that_does_not_occur_has_no_interval():
    areas = torch.tensor([[[1, 0], [1, 0], [1, 0]]])
    miou, (first, second) = area_intervals(areas)
    assert (miou, first) == ((100, 100), (100, 100))
    assert np.isnan(second).all()


def test_table_is_read_back(ledger, tmp_path):
    found = add_up_folds(ledger)
    write_out_of_fold(found, ledger)
    assert read_out_of_fold(ledger) == found
    titles, *rows = csv.reader((ledger.folder / 'out_of_fold.csv').read_text().splitlines())
    assert titles == ['fold', 'mIoU', 'aAcc', 'mAcc', 'road', 'sky']
    assert [row[0] for row in rows] == ['fold1', 'fold2', 'mean', 'deviation', 'pooled']
    assert [float(cell) for cell in rows[-1][1:]] == pytest.approx(POOLED)


@pytest.mark.parametrize(('monitor', 'own'), [('mAcc', 0), ('mDice', 1)])
def test_a_monitor_has_a_column_once(ledger, monitor, own):
    text = out_of_fold_table(replace(add_up_folds(ledger), monitor=monitor))
    titles = [cell.strip() for cell in text.splitlines()[1].strip('|').split('|')]
    assert titles == ['fold', 'images', 'iteration', 'mIoU', 'aAcc', 'mAcc', *[monitor] * own]


def test_numbers_of_other_weights_are_not_read(ledger):
    found = add_up_folds(ledger)
    write_out_of_fold(found, ledger)
    ledger.archive(['fold2'])
    assert read_out_of_fold(ledger) is None


def test_images_are_in_the_groups_of_their_folds():
    samples = [
        Sample(0, k, f'{name}_{k}', {'img_path': f's3://here/{name}_{k}.png'}) for name in 'ab' for k in range(2)
    ]
    split = make_folds([*samples], 2, 0, group_by='city')
    assert groups_of_images(split, samples) == {
        's3://here/a_0.png': 'a',
        's3://here/a_1.png': 'a',
        's3://here/b_0.png': 'b',
        's3://here/b_1.png': 'b',
    }
    assert groups_of_images(make_folds(samples, 2, 0), samples) is None
