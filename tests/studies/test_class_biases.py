import pytest
import torch

from mmseg_custom.evaluation.confusion_matrix import confusion_matrix
from mmseg_custom.evaluation.scores import iou_per_class
from studies.class_biases import STEPS, _by_step, fitted

CLASSES, MISSING = 4, torch.tensor([1.0, 0.0, -1.0, 0.5])


@pytest.fixture
def pixels():
    """Logits that lack a bias a class, and the labels that they would give with it."""
    logits = torch.randn(CLASSES, 2000, generator=torch.Generator().manual_seed(0))
    return logits, (logits + MISSING[:, None]).argmax(0)


def matrix(logits, label, biases):
    return confusion_matrix((logits + biases[:, None]).argmax(0), label, CLASSES)


def test_every_step_of_a_bias_has_the_matrix_that_it_gives(pixels):
    logits, label = pixels
    others = logits.clone()
    others[2] = -torch.inf
    rival, second = others.max(0)
    found = _by_step(rival - logits[2], second, label, 2, CLASSES)
    for at in (0, 40, 60, 120):
        biases = torch.zeros(CLASSES)
        biases[2] = STEPS[at]
        assert torch.equal(found[at], matrix(logits, label, biases))


def test_biases_that_are_missing_are_found(pixels):
    logits, label = pixels
    biases = fitted(logits, label)
    assert biases.tolist() == pytest.approx((MISSING - MISSING.mean()).tolist(), abs=0.06)
    assert float(iou_per_class(matrix(logits, label, biases)).mean()) > 98
