import math

import pytest
import torch

from mmseg_custom.evaluation import iou_per_class, scores_of


def test_scores_by_hand():
    matrix = torch.tensor([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    iou = iou_per_class(matrix)
    assert iou[:2].tolist() == pytest.approx([75.0, 80.0])
    assert math.isnan(iou[2])
    scores = scores_of(matrix)
    assert scores['mIoU'] == pytest.approx(77.5)
    assert scores['fwIoU'] == pytest.approx(77.5)
    assert scores['aAcc'] == pytest.approx(87.5)
    assert scores['mAcc'] == pytest.approx(87.5)


def test_class_that_is_never_hit_counts_as_zero():
    assert scores_of(torch.tensor([[2, 0], [2, 0]]))['mIoU'] == pytest.approx(25.0)
    assert scores_of(torch.tensor([[4, 0], [0, 0]]))['mIoU'] == pytest.approx(100.0)
