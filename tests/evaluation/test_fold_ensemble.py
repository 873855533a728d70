from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from mmseg_custom.evaluation.fold_ensemble import FoldEnsemble, use_ensemble


class Constant(nn.Module):
    """A segmentor of two classes that gives the first one the same probability everywhere."""

    def __init__(self, probability=0.5):
        super().__init__()
        self.probability = nn.Parameter(torch.tensor(probability))
        self.decode_head = nn.Identity()

    def test_step(self, data):
        logits = torch.stack([self.probability.log(), (1 - self.probability).log()]).view(2, 1, 1)
        return [SegDataSample(seg_logits=PixelData(data=logits.detach())) for _ in data]


def test_probabilities_are_averaged_and_not_votes():
    # Two of three say the second class; the mean probability of the first is (0.9 + 0.4 + 0.4) / 3.
    ensemble = FoldEnsemble([Constant(0.9), Constant(0.4), Constant(0.4)])
    (sample,) = ensemble.test_step([None])
    assert sample.seg_logits.data.exp().flatten().tolist() == pytest.approx([1.7 / 3, 1.3 / 3])
    assert sample.pred_sem_seg.data.item() == 0


def test_every_checkpoint_is_loaded_by_the_runner():
    weights = {'a.pth': 0.1, 'b.pth': 0.3}

    def load_checkpoint(file):
        nn.init.constant_(runner.model.probability, weights[file])

    runner = SimpleNamespace(model=Constant(), load_checkpoint=load_checkpoint)
    use_ensemble(runner, list(weights))
    assert [member.probability.item() for member in runner.model.members] == pytest.approx([0.1, 0.3])
    assert not runner.model.training
