import math

import numpy as np
import pytest
import torch

from mmseg_custom.evaluation.uncertainty import Disagreement, ErrorRanking, entropy


def together(*members):
    found = Disagreement()
    for chances in members:
        found.add(torch.tensor(chances, dtype=torch.float64)[:, None, None])
    return found


@pytest.mark.parametrize(
    ('members', 'expected'),
    [
        (([1, 0], [0, 1]), 1),
        (([0.7, 0.3], [0.7, 0.3]), 0),
        (([0.5, 0.5], [0.5, 0.5]), 0),  # Both are unsure, and agree.
        (([0.5, 0.5], [1, 0]), (0.75 * math.log(4 / 3) + 0.25 * math.log(4) - math.log(2) / 2) / math.log(2)),
        (([1, 0], [0, 1], [0, 1]), math.log(3) / math.log(2) - 2 / 3),
        (([1, 0, 0], [0, 1, 0]), 1),  # Two networks can be of two opinions.
    ],
)
def test_disagreement_by_hand(members, expected):
    found = together(*members)
    assert found.mutual_information().item() == pytest.approx(expected, abs=1e-12)
    assert found.mean.flatten().tolist() == pytest.approx(np.mean(members, 0))


def test_entropy_is_largest_where_all_classes_are_alike():
    chances = torch.tensor([[0.25, 1.0], [0.25, 0.0], [0.25, 0.0], [0.25, 0.0]])[:, None]
    assert entropy(chances)[0].tolist() == pytest.approx([math.log(4), 0])


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    rng = np.random.default_rng(0)
    wrong = rng.random(300) < 0.3
    scores = np.minimum(rng.integers(0, 20, 300) + 2 * wrong, 20) / 20
    ranking = ErrorRanking()
    for part in np.split(np.arange(300), 3):  # As images come.
        ranking.add(torch.from_numpy(scores[part]), torch.from_numpy(wrong[part]))
    high, low = scores[wrong][:, None], scores[~wrong][None]
    expected = np.mean((high > low) + 0.5 * (high == low))
    assert ranking.auroc() == pytest.approx(expected) and 0.55 < expected < 0.9


def test_without_errors_there_is_nothing_to_find():
    ranking = ErrorRanking()
    ranking.add(torch.rand(5), torch.zeros(5, dtype=torch.bool))
    assert math.isnan(ranking.auroc())
