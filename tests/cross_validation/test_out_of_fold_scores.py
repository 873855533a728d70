import pytest

from mmseg_custom.evaluation.kept_predictions import PredictionRecord
from mmseg_custom.io.files import read_json
from mmseg_custom.out_of_fold.scores import SCORES_FILE, score_records, scores_text, write_scores


def record(name, counts, seen=False):
    fields = dict(image=name, label=name, made_of={}, predicted_by='fold1', quality=0.5, files={})
    return PredictionRecord(name=name, counts=counts, probability_sums=[0.0] * 3, seen=seen, **fields)


# Of class 0 8 pixels are right and 2 are taken for class 1, of class 1 all 10 are right; class 2 does not occur.
A = record('a', [[0, 0, 8], [0, 1, 2]])
B = record('b', [[1, 1, 10]])
POOLED = {0: 8 / 10, 1: 10 / 12}


def test_scores_are_those_of_one_matrix():
    scores = score_records([A, B], 'xyz')
    assert scores.images == 2 and scores.seen == 0 and scores.per_group == {} and scores.over_groups is None
    assert scores.pooled['mIoU'] == pytest.approx(50 * (POOLED[0] + POOLED[1]))
    assert scores.pooled['aAcc'] == pytest.approx(90)
    assert scores.pooled['IoU.x'] == pytest.approx(80)
    assert 'does not occur' in scores_text(scores)


def test_groups_have_scores_and_an_interval_of_their_own():
    scores = score_records([A, B], 'xyz', {'a': 'north', 'b': 'north'})
    assert scores.per_group['north'].images == 2
    north = scores.per_group['north'].scores
    assert north == {key: scores.pooled[key] for key in ('mIoU', 'aAcc', 'mAcc')}
    assert scores.over_groups['mIoU'] == pytest.approx([north['mIoU']] * 2)  # One group is drawn every time.
    assert scores.over_images['mIoU'][0] < scores.over_images['mIoU'][1]
    apart = score_records([A, B], 'xyz', {'a': 'north', 'b': 'south'})
    assert apart.over_groups['mIoU'] == apart.over_images['mIoU']
    assert [group.scores['aAcc'] for group in apart.per_group.values()] == pytest.approx([80, 100])
    both, one = scores.per_group['north'], apart.per_group['north']
    assert both.over_images == scores.over_images['mIoU'] and one.over_images == (one.scores['mIoU'],) * 2
    row = next(line for line in scores_text(scores).splitlines() if line.startswith('| north'))
    assert '{:.2f} to {:.2f}'.format(*both.over_images) in row
    assert ' to ' not in next(line for line in scores_text(apart).splitlines() if line.startswith('| north'))


def test_every_number_that_a_seen_image_touches_is_marked():
    seen = record('a', A.counts, seen=True)
    text = scores_text(score_records([seen, B], 'xyz', {'a': 'north', 'b': 'south'}))
    lines = {line.split('|')[1].strip(): line for line in text.splitlines() if line.startswith('|')}
    assert '*' in lines['x'] and '*' in lines['north'] and '*' not in lines['south']
    assert '81.67* mIoU' in text and '* 1 images were predicted by weights' in text
    assert '*' not in scores_text(score_records([A, B], 'xyz', {'a': 'north', 'b': 'south'}))


def test_the_file_has_no_nan(tmp_path):
    write_scores(score_records([A, B], 'xyz'), tmp_path)
    content = read_json(tmp_path / SCORES_FILE)
    assert content['pooled']['IoU.y'] == pytest.approx(1000 / 12) and content['pooled']['IoU.z'] is None
    assert content['over_images']['IoU.z'] == [None, None]
