"""The same indices as PyTorch's own."""

import pytest
import torch

from mmseg_custom.evaluation.quick_argmax import QuickArgmax

# Many ties, of which the first counts, and what is no number.
SCORES = torch.randint(0, 3, (5, 7, 11), generator=torch.Generator().manual_seed(0)).float()
SCORES[2, 3, 4] = torch.nan


@pytest.mark.parametrize('options', [{'dim': 0}, {'dim': 0, 'keepdim': True}, {'dim': 1}, {'dim': -1}, {}])
def test_the_indices_are_those_of_argmax(options):
    expected = SCORES.argmax(**options)
    with QuickArgmax():
        assert torch.equal(SCORES.argmax(**options), expected)
        assert torch.equal(torch.argmax(SCORES, **options), expected)


def test_max_finds_those_of_other_dimensions_than_the_last(monkeypatch):
    called = []
    found = torch.max(SCORES, 0)
    monkeypatch.setattr(torch, 'max', lambda *args, **kwargs: called.append(args) or found)
    with QuickArgmax():
        SCORES.argmax(dim=0, keepdim=True)
        SCORES.argmax(-1)
        SCORES.argmax()
    assert len(called) == 1
