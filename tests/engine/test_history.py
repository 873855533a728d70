import math

import pytest

from mmseg_custom.engine.history import best_position, epochs_trained, epochs_without_improvement


@pytest.mark.parametrize(
    ('scores', 'best', 'waited'),
    [
        ([], None, 0),
        ([1.0], 0, 0),
        ([1.0, 3.0, 2.0], 1, 1),
        ([3.0, 3.0, 3.0], 0, 2),
        ([math.nan, 2.0, math.nan], 1, 1),
        ([math.nan, math.nan], None, 2),
    ],
)
def test_best_epoch_and_patience(scores, best, waited):
    history = [{'mIoU': score} for score in scores]
    assert best_position(history, 'mIoU') == best
    assert epochs_without_improvement(history, 'mIoU') == waited


def test_epochs_are_those_trained_however_often_a_run_was_validated():
    assert epochs_trained([{'epoch': 2}, {'epoch': 4}, {'epoch': 5}]) == 5
    assert epochs_trained([]) == 0
