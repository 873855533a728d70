import pytest
import torch
from torch import nn

from mmseg_custom.averaging import recalibrate_batch_norm


class Segmentor(nn.Module):
    """What a recalibration needs of the host's encoder-decoder; each head doubles what it gets."""

    def __init__(self, heads=1):
        super().__init__()
        self.stem = nn.BatchNorm2d(1, momentum=0.1)
        self.decode_head = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm2d(1))
        if heads > 1:
            self.auxiliary_head = nn.ModuleList([nn.BatchNorm2d(1) for _ in range(heads - 1)])

    def extract_feat(self, inputs):
        return self.stem(inputs)


def batch(*values):
    return torch.tensor(values).view(len(values), 1, 1, 1)


def test_statistics_are_the_means_over_all_batches():
    model = Segmentor().eval()
    recalibrate_batch_norm([model], [batch(0.0, 2.0), batch(4.0, 10.0)])
    assert model.stem.running_mean == 4.0
    assert model.stem.running_var == (2 + 18) / 2
    assert model.stem.num_batches_tracked == 2
    assert model.stem.momentum == 0.1
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_auxiliary_heads_are_measured_too():
    model = Segmentor(heads=3)
    recalibrate_batch_norm([model], [batch(0.0, 2.0)])
    assert all(head.num_batches_tracked == 1 for head in model.auxiliary_head)
    assert model.auxiliary_head[1].running_var == pytest.approx(2.0, rel=1e-4)


def test_several_models_see_the_same_batches_and_the_callers_generator_stays():
    def inputs():
        for values in ((0.0, 2.0), (4.0, 10.0)):
            yield batch(*values)

    models = [Segmentor(), Segmentor()]
    state = torch.get_rng_state()
    recalibrate_batch_norm(models, inputs(), seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert models[1].stem.running_mean == 4.0
    again = Segmentor()
    recalibrate_batch_norm([again], inputs(), seed=3)
    assert torch.equal(again.decode_head[1].running_var, models[0].decode_head[1].running_var)
