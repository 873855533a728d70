"""Batch norm and losses of two processes against one process with both batches."""

import pytest
import torch
from mmengine.dist import get_rank
from ranks import run_ranks
from torch import nn

from mmseg_custom.models import CEDiceLoss, LabelSmoothCrossEntropyLoss, SoftDiceLoss
from mmseg_custom.models.norm import AllReduceBatchNorm, synchronize_batch_norm

WEIGHTS = [0.5, 2.0, 1.0, 3.0, 0.7]
SHARES = (slice(0, 3), slice(3, 8))
NORMS = {
    'plain': {},
    'bare': {'affine': False, 'track_running_stats': False},
    'cumulative': {'momentum': None},
}
LOSSES = {
    f'{loss_type.__name__} {implementation}': loss_type(class_weight=WEIGHTS, implementation=implementation)
    for loss_type in (CEDiceLoss, LabelSmoothCrossEntropyLoss, SoftDiceLoss)
    for implementation in ('fused', 'plain')
}


def batch():
    """Logits in float64 and labels; every process makes the same and takes its share of images and classes."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(8, 5, 6, 7, generator=generator, dtype=torch.float64) + torch.arange(5.0).view(1, 5, 1, 1)
    target = torch.randint(0, 5, (8, 6, 7), generator=generator)
    target[SHARES[0]] %= 2
    target[torch.rand(8, 6, 7, generator=generator) < 0.3] = 255
    return logits, target


def normalise(share, synchronize):
    values, results = batch()[0][share], {}
    for name, options in NORMS.items():
        torch.manual_seed(1)
        norm = nn.BatchNorm2d(5, **options).double()
        for parameter in norm.parameters():
            nn.init.normal_(parameter)
        if synchronize:
            synchronize_batch_norm(norm)
            assert type(norm) is AllReduceBatchNorm
        own = values.clone().requires_grad_()
        for _ in range(2):
            out = norm(own)
        out.sin().sum().backward()
        gradients = [parameter.grad for parameter in norm.parameters()]
        results[name] = (out.detach(), own.grad, gradients, norm.state_dict(), norm.eval()(values).detach())
    return results


def normalise_share():
    norm = AllReduceBatchNorm(5)
    assert norm(batch()[0].bfloat16()).dtype == torch.bfloat16 and norm.running_var.dtype == torch.float32
    return normalise(SHARES[get_rank()], synchronize=True)


@pytest.fixture(scope='module')
def normalised():
    return normalise(slice(None), synchronize=False), run_ranks(normalise_share)


@pytest.mark.parametrize('name', NORMS)
def test_batch_norm_is_that_of_the_whole_batch(normalised, name):
    whole, (first, second) = normalised[0][name], (rank[name] for rank in normalised[1])
    for position in (0, 1):
        torch.testing.assert_close(torch.cat([first[position], second[position]]), whole[position])
    for position, gradient in enumerate(whole[2]):
        torch.testing.assert_close(first[2][position] + second[2][position], gradient)
    for rank in (first, second):
        torch.testing.assert_close(rank[3], whole[3])
    if name != 'bare':
        torch.testing.assert_close(torch.cat([first[4], second[4]]), whole[4])


def test_only_plain_batch_norm_is_changed():
    class Own(nn.BatchNorm2d):
        def forward(self, x):
            return x

    model = nn.Sequential(nn.BatchNorm2d(2), nn.SyncBatchNorm(2), nn.InstanceNorm2d(2), Own(2)).eval()
    keys = list(model.state_dict())
    synchronize_batch_norm(model)
    assert [type(norm).__name__ for norm in model] == [*['AllReduceBatchNorm'] * 2, 'InstanceNorm2d', 'Own']
    assert list(model.state_dict()) == keys and not any(norm.training for norm in model)


def value_and_gradient(loss, share):
    logits, target = (part[share] for part in batch())
    logits.requires_grad_()
    value, parts = loss.loss_and_parts(logits, target)
    value.backward()
    return value.detach(), parts, logits.grad


def losses_of_share():
    share, results = SHARES[get_rank()], {}
    for name, loss in LOSSES.items():
        synced = value_and_gradient(loss, share)
        loss.sync = False
        results[name] = synced, value_and_gradient(loss, share)
    loss.sync = True
    alone = value_and_gradient(loss.eval(), share) if get_rank() else None  # No exchange: the other is not there.
    return results, alone


@pytest.fixture(scope='module')
def shared_losses():
    return run_ranks(losses_of_share)


@pytest.mark.parametrize('name', LOSSES)
def test_loss_is_that_of_the_whole_batch(shared_losses, name):
    value, parts, gradient = value_and_gradient(LOSSES[name], slice(None))
    ranks = [results[name] for results, _ in shared_losses]
    for synced, _ in ranks:
        torch.testing.assert_close(synced[0], value)
        torch.testing.assert_close(synced[1], parts)
    averaged = torch.cat([synced[2] for synced, _ in ranks]) / len(ranks)  # As DistributedDataParallel does.
    torch.testing.assert_close(averaged, gradient)
    own = torch.stack([local[0] for _, local in ranks])
    assert abs(own.mean() - value) > 1e-3


def test_evaluation_and_sync_off_keep_to_their_own_batch(shared_losses):
    name, loss = list(LOSSES.items())[-1]
    results, alone = shared_losses[1]
    for value in (results[name][1], alone):
        torch.testing.assert_close(value, value_and_gradient(loss, SHARES[1]))
