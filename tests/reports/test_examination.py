import math

import numpy as np
import pytest
import torch
from made_up_recipe import rows_of, write_examination, write_recipe
from mmengine.config import Config

from mmseg_custom.evaluation import scores_of
from mmseg_custom.reports.charts.examination_charts import class_rows, frequency_chart, short_count
from mmseg_custom.reports.charts.scatter import log_ticks
from mmseg_custom.reports.findings import examination
from mmseg_custom.reports.findings.examination import CACHE_FILE, Examination, ImageRecords, examine_winner
from mmseg_custom.reports.findings.recipe_record import ReportError, read_recipe
from mmseg_custom.reports.findings.sample_images import error_map, pixels


def sample(name, target, prediction):
    maps = {'gt_sem_seg': target, 'pred_sem_seg': prediction, 'seg_logits': [[0.0]]}
    return {'img_path': name, **{key: {'data': torch.tensor(label)[None]} for key, label in maps.items()}}


def records(samples, shown=3):
    metric = ImageRecords(shown=shown)
    metric.dataset_meta = {'classes': ('a', 'b', 'c'), 'palette': [[0, 0, 0]] * 3}
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def test_score_of_an_image_is_over_the_classes_in_it():
    # a: 1 of 2 in the union, b: 2 of 3, c does not occur, 255 does not count.
    found = records([sample('x.png', [[0, 0, 1, 1, 255]], [[0, 1, 1, 1, 2]])])
    assert found['images'] == {'x.png': pytest.approx(100 * (1 / 2 + 2 / 3) / 2)}
    assert found['matrix'].tolist() == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]


def test_only_the_best_and_the_worst_images_are_kept():
    samples = [sample(f'{k}.png', [[0] * 10], [[0] * k + [1] * (10 - k)]) for k in (3, 9, 1, 7, 5, 2, 8)]
    found = records([*samples, sample('empty.png', [[255] * 10], [[0] * 10])], shown=2)
    assert [path for _, path, _, _ in found['kept']] == ['1.png', '2.png', '8.png', '9.png']
    assert math.isnan(found['images']['empty.png'])


def test_error_map_by_hand():
    truth, prediction = np.array([[0, 1, 255]], np.uint8), np.array([[0, 2, 1]], np.uint8)
    assert error_map(truth, prediction, 3).tolist() == [[0, 1, 2]]


def test_numbers_of_a_class_by_hand():
    matrix = [[6, 2, 0], [1, 3, 0], [0, 0, 0]]
    found = Examination('w', ['a', 'b', 'c'], [[255, 0, 0], [0, 1, 2], [0, 0, 0]], matrix, {}, [], [])
    a, b, c = class_rows(found)
    assert (a['iou'], a['recall'], a['precision'], a['share']) == pytest.approx((600 / 9, 75, 600 / 7, 800 / 12))
    assert (a['colour'], a['confused'], b['confused'], c['confused']) == ('#ff0000', 'b', 'a', '')
    assert math.isnan(c['iou'])
    shown = {row['name']: (row['x'], row['y']) for row in rows_of(frequency_chart(found), 'align')}
    assert shown == {'b': pytest.approx((400 / 12, 50)), 'a': pytest.approx((800 / 12, 600 / 9))}


@pytest.mark.parametrize(
    ('shares', 'ticks'),
    [
        ((0.04, 60), [0.01, 0.1, 1, 10, 100]),
        ((3, 60), [1, 2, 5, 10, 20, 50, 100, 200, 500]),
        ((3, 20), [*range(1, 10), *range(10, 100, 10), *range(100, 1000, 100)]),
        ((), [*range(1, 10), *range(10, 100, 10)]),
    ],
)
def test_logarithmic_axis_has_round_numbers(shares, ticks):
    assert log_ticks(shares) == pytest.approx(ticks)


def test_counts_are_short():
    assert [short_count(value) for value in (0, 7, 999, 1000, 12_345, 999_600, 3_400_000)] == [
        '',
        '7',
        '999',
        '1.0k',
        '12k',
        '1.0M',
        '3.4M',
    ]


def test_winner_of_a_trained_recipe_is_examined_once(after_stage1, monkeypatch):
    recipe = read_recipe('work_dirs/tiny')
    found = examine_winner(recipe)
    score = scores_of(torch.tensor(found.matrix))['mIoU']
    assert score == pytest.approx(recipe.fused[-1].winner['val']['mIoU'])
    assert len(found.scores) == 4
    assert [sample.score for sample in found.best] == sorted(found.scores.values(), reverse=True)[:2]
    assert [sample.score for sample in found.worst] == sorted(found.scores.values())[:2]
    assert pixels(found.best[0].truth).shape == pixels(found.best[0].image).shape == (32, 64, 3)
    monkeypatch.setattr('mmseg_custom.reports.findings.examination.WeightScorer', None)
    assert examine_winner(recipe) == found


def test_winner_that_scores_otherwise_than_its_ledger_says_is_refused(tmp_path, monkeypatch):
    folder = write_recipe(tmp_path / 'made_up', stages=1, config='stage1.py')
    found = {'mIoU': 58.33}
    monkeypatch.setattr(examination, 'load_run_config', lambda *args, **options: Config())
    monkeypatch.setattr(examination, 'load_weights', lambda path: {})
    monkeypatch.setattr(examination, 'WeightScorer', lambda cfg: lambda weights: found)
    with pytest.raises(ReportError, match=r'58\.33 mIoU with stage1\.py, but its ledger says 34\.33'):
        examine_winner(read_recipe(folder))


def test_kept_examination_of_other_weights_or_a_damaged_one_is_not_used(tmp_path):
    folder = write_recipe(tmp_path / 'made_up')
    write_examination(folder, 'others')
    with pytest.raises(ReportError, match='names no config'):
        examine_winner(read_recipe(folder))
    (folder / CACHE_FILE).write_text('{')
    with pytest.raises(ReportError, match='names no config'):
        examine_winner(read_recipe(folder))
