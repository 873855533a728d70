import math

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mmseg_custom.evaluation.pixel_probabilities import PixelProbabilities, as_levels

# The odds of the classes at two pixels: 1 to 3, and 4 to 1.
LOGITS = torch.tensor([[[1.0, 4.0]], [[3.0, 1.0]]]).log()


class Largest(TorchDispatchMode):
    """The bytes of the largest tensor that an operation has made."""

    bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.bytes = max(self.bytes, result.nbytes if result._base is None else 0)
        return result


def test_a_probability_is_that_of_the_softmax_and_void_has_none():
    found = PixelProbabilities(LOGITS)
    assert found.of(torch.tensor([[0, 0]])).tolist() == [pytest.approx([0.25, 0.8])]
    assert found.of(torch.tensor([[1, 255]])).tolist() == [pytest.approx([0.75, 0.0])]


def test_one_channel_is_the_probability_of_class_1():
    found = PixelProbabilities(torch.tensor([[[0.3, 1.0, 0.0]]]))
    assert found.num_classes == 2
    assert found.of(torch.tensor([[1, 1, 1]])).tolist() == [pytest.approx([0.3, 1.0, 0.0], abs=1e-6)]
    assert found.of(torch.tensor([[0, 0, 0]])).tolist() == [pytest.approx([0.7, 0.0, 1.0], abs=1e-6)]


def test_probabilities_of_all_classes_are_means_of_their_places_in_8_bits():
    found = PixelProbabilities(LOGITS)
    assert found.of_all((1, 2)).tolist() == [[[64, 204]], [[191, 51]]]
    assert found.of_all((1, 1)).tolist() == [[[round(255 * (0.25 + 0.8) / 2)]], [[round(255 * (0.75 + 0.2) / 2)]]]
    assert as_levels(np.array([-1e-9, 0.5, 1 + 1e-9])).tolist() == [0, 128, 255]


def test_no_tensor_is_more_than_half_of_the_logits():
    torch.manual_seed(0)
    logits = torch.randn(19, 512, 1024)
    label = torch.randint(0, 19, (512, 1024))
    with Largest() as largest:
        found = PixelProbabilities(logits)
        given, best = found.of(label), found.of(logits.argmax(0))
    assert 0 < largest.bytes < logits.nbytes / 2
    expected = logits[:, 7, 9].double().softmax(0)
    assert math.isclose(given[7, 9], expected[label[7, 9]], rel_tol=1e-5)
    assert math.isclose(best[7, 9], expected.max(), rel_tol=1e-5)
