import csv
import json

import numpy as np
import pytest
import torch

from mmseg_custom.evaluation import ImageResult, SegmentationMetric, scores_of, write_results

NOTHING = torch.zeros(3, 3, dtype=torch.int64)
GOOD, BAD = NOTHING.clone(), NOTHING.clone()
GOOD[0, 0], BAD[0, 0], BAD[0, 1] = 4, 1, 3


@pytest.fixture
def folder(tmp_path):
    metric = SegmentationMetric()
    metric.dataset_meta = {'classes': ('road', 'bus, tram', 'sky')}
    images = [ImageResult('none.png', NOTHING, None), ImageResult('good.png', GOOD, 0.5)]
    metric.per_image = [*images, ImageResult('bad.png', BAD, float('nan'))]
    metric.matrix = GOOD + BAD
    scores = {**scores_of(metric.matrix), 'val_loss': float('nan'), 'IoU.road': 1.0}
    write_results(tmp_path / 'out', metric, scores, {'config': 'stage1.py'})
    return tmp_path / 'out'


def read_csv(path):
    with path.open(newline='') as file:
        return list(csv.reader(file))


def test_matrix_as_array_and_as_table(folder):
    matrix = np.load(folder / 'confusion_matrix.npy')
    assert matrix.dtype == np.int64
    assert matrix.tolist() == [[5, 3, 0], [0, 0, 0], [0, 0, 0]]
    header, *rows = read_csv(folder / 'confusion_matrix.csv')
    assert header == ['true \\ predicted', 'road', 'bus, tram', 'sky']
    assert rows[0] == ['road', '5', '3', '0']


def test_scores_are_valid_json_without_the_numbers_that_json_lacks(folder):
    content = json.loads((folder / 'scores.json').read_text(), parse_constant=pytest.fail)
    assert content['scores'] == {'mIoU': 31.25, 'fwIoU': 62.5, 'aAcc': 62.5, 'mAcc': 62.5, 'val_loss': None}
    assert content['classes']['road'] == {'IoU': 62.5, 'accuracy': 62.5, 'pixels': 8}
    assert content['classes']['sky'] == {'IoU': None, 'accuracy': None, 'pixels': 0}
    assert (content['images'], content['config']) == (3, 'stage1.py')


def test_worst_image_first_and_images_without_a_score_last(folder):
    header, *rows = read_csv(folder / 'per_image.csv')
    assert header == ['image', 'mIoU', 'aAcc', 'val_loss']
    assert rows == [['bad.png', '12.5', '25.0', ''], ['good.png', '100.0', '100.0', '0.5'], ['none.png', '', '', '']]
