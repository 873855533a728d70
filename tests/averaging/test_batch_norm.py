import pytest
import torch
from small_model import batch_norms, build_model
from torch import nn

from mmseg_custom.averaging import batch_norm as module
from mmseg_custom.averaging import recalibrate_batch_norm


class Segmentor(nn.Module):
    """What a recalibration needs of MMSegmentation's encoder-decoder; each head doubles what it gets."""

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


def test_statistics_are_the_means_over_the_batches_of_all_processes(monkeypatch):
    """The other process has seen as many batches, and half of the mean of both is 5."""
    monkeypatch.setattr(module, 'get_world_size', lambda: 2)
    monkeypatch.setattr(module, 'all_reduce', lambda totals: totals.mul_(2))
    monkeypatch.setattr(module, 'all_reduce_params', lambda shares: [share.add_(5.0) for share in shares])
    model = Segmentor()
    recalibrate_batch_norm([model], [batch(0.0, 2.0), batch(4.0, 10.0)])
    assert (model.stem.running_mean, model.stem.running_var) == (4 / 2 + 5, 10 / 2 + 5)


def test_each_batch_has_a_dropout_of_its_own():
    model, dropped = Segmentor(), []
    model.decode_head[0].register_forward_hook(lambda layer, inputs, output: dropped.append(output == 0))
    model.extract_feat = lambda inputs: inputs
    recalibrate_batch_norm([model], [batch(*[1.0] * 64)] * 3)
    first, second, third = dropped
    assert not first.equal(second) and not second.equal(third) and not first.equal(third)


def test_auxiliary_heads_are_measured_too():
    model = Segmentor(heads=3)
    recalibrate_batch_norm([model], [batch(0.0, 2.0)])
    assert all(head.num_batches_tracked == 1 for head in model.auxiliary_head)
    assert model.auxiliary_head[1].running_var == pytest.approx(2.0, rel=1e-4)


def test_heads_of_a_cascade_are_given_the_prediction_of_the_one_before():
    class Refining(nn.BatchNorm2d):
        def forward(self, features, prediction):
            return super().forward(features + prediction)

    model = Segmentor()
    model.decode_head = nn.ModuleList([nn.BatchNorm2d(1), Refining(1)])
    recalibrate_batch_norm([model], [batch(0.0, 2.0)])
    assert model.decode_head[1].running_var == pytest.approx(8.0, rel=1e-4)  # of -2 and 2: both inputs are -1 and 1


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


def statistics_of(model):
    """Running mean and variance of each batch norm, by its name."""
    norms = {name: part for name, part in model.named_modules() if isinstance(part, nn.BatchNorm2d)}
    assert norms
    return {name: torch.stack([norm.running_mean, norm.running_var]).clone() for name, norm in norms.items()}


def measured_anew(images=2, **backbone):
    """The names of the batch norms of a real network that a recalibration has changed, and of those it has not."""
    model = build_model(backbone=backbone)
    for norm in batch_norms(model):
        norm.running_mean.fill_(3.0)
        norm.running_var.fill_(5.0)
        norm.num_batches_tracked.fill_(7)
    before = statistics_of(model)
    recalibrate_batch_norm([model], [torch.randn(images, 3, 64, 96) for _ in range(2)])
    changed = {name for name, now in statistics_of(model).items() if not torch.equal(now, before[name])}
    counts = {name: int(dict(model.named_modules())[name].num_batches_tracked) for name in before}
    assert all(count == (2 if name in changed else 7) for name, count in counts.items())
    return changed, before.keys() - changed


def test_every_batch_norm_of_a_network_that_trains_is_measured():
    assert measured_anew()[1] == set()


def test_batch_norm_that_does_not_train_keeps_what_it_had():
    changed, kept = measured_anew(norm_eval=True)
    assert changed and all(name.startswith('decode_head') for name in changed)
    assert kept and all(name.startswith('backbone') for name in kept)
    changed, kept = measured_anew(frozen_stages=1)
    assert {name.split('.')[1] for name in kept} == {'bn1', 'layer1'}
    assert {name.split('.')[1] for name in changed if name.startswith('backbone')} == {'layer2', 'layer3', 'layer4'}


def test_pooled_branch_keeps_what_it_had_where_batches_have_one_image():
    assert measured_anew(images=1)[1] == {'decode_head.image_pool.bn'}


def test_a_run_without_a_seed_is_measured_as_one_with_seed_0():
    models = [Segmentor(), Segmentor()]
    for model, seed in zip(models, (None, 0), strict=True):
        recalibrate_batch_norm([model], [batch(0.0, 2.0)], seed=seed)
    assert torch.equal(models[0].decode_head[1].running_var, models[1].decode_head[1].running_var)
