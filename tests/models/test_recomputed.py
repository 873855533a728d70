"""Activation checkpointing changes memory and time, and no number."""

import pytest
import torch
from small_model import batch_norms, build_model, objective
from torch.autograd.graph import saved_tensors_hooks

from mmseg_custom.models.norm import synchronize_batch_norm
from mmseg_custom.models.recomputed import statistics_kept

HEAD = {'aspp_dropout_ratio': 0.5}


def train_step(synced=False, momentum=0.1, **with_cp):
    """How many values are kept outside of what is recomputed; the gradients, and the state behind the step."""
    model = build_model(HEAD | with_cp, {'depth': 18} | with_cp).train()
    for norm in batch_norms(model):
        norm.momentum = momentum
    if synced:
        synchronize_batch_norm(model)
    kept = 0

    def keep(tensor):
        nonlocal kept
        kept += tensor.numel()
        return tensor

    torch.manual_seed(2)
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        loss, _ = objective(model)
    loss.backward()
    return kept, {name: parameter.grad for name, parameter in model.named_parameters()}, model.state_dict()


@pytest.mark.parametrize('options', [{}, {'momentum': None}, {'synced': True}], ids=['plain', 'cumulative', 'twin'])
def test_gradients_and_running_statistics_are_the_same(options):
    kept, gradients, state = train_step(**options)
    kept_less, gradients_again, state_again = train_step(with_cp=True, **options)
    torch.testing.assert_close(gradients_again, gradients)
    assert all(torch.equal(value, state[key]) for key, value in state_again.items())
    assert any(key.endswith('num_batches_tracked') and value == 1 for key, value in state.items())
    assert kept_less < kept / 2


def test_evaluation_keeps_nothing():
    model = build_model({'with_cp': True}, {'with_cp': True}).eval()
    plain = build_model().eval()
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        assert torch.equal(model(image), plain(image))


def test_statistics_are_given_back_after_an_error():
    norm = torch.nn.BatchNorm2d(2)
    with pytest.raises(ZeroDivisionError), statistics_kept(norm):
        norm(torch.randn(4, 2, 3, 3))
        assert 1 / 0
    assert norm.momentum == 0.1
    assert norm.num_batches_tracked == 0 and (norm.running_mean == 0).all() and (norm.running_var == 1).all()
