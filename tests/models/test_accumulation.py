"""What `optim_wrapper.accumulative_counts` makes of small batches, and what not: MMEngine's accumulation."""

import pytest
import torch
from mmengine.optim import OptimWrapper
from small_model import batch_norms, build_model, random_batch

CROSS_ENTROPY = {'type': 'LabelSmoothCrossEntropyLoss'}
DICE = {'type': 'SoftDiceLoss'}


def batch_of_four(ignored_rows=5):
    """Four images, of which the first two have further ignored rows if asked for."""
    inputs, samples = random_batch(4)
    for sample in samples[:2]:
        sample.gt_sem_seg.data[:, :ignored_rows] = 255
    return inputs, samples


def step(loss, counts, frozen_statistics=True, **batch):
    """How far one update moves the weights: of four images at once or, with ``counts=2``, of twice two."""
    model = build_model({'aspp_dropout_ratio': 0.0, 'loss_decode': loss}).train()
    for norm in batch_norms(model) if frozen_statistics else ():
        norm.eval()
    before = torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1), accumulative_counts=counts)
    inputs, samples = batch_of_four(**batch)
    for part in torch.arange(4).chunk(counts):
        losses = model.loss(inputs[part], [samples[index] for index in part])
        wrapper.update_params(model.parse_losses(losses)[0])
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach() - before


def relative_difference(*arguments, **options):
    big, accumulated = (step(*arguments, counts=counts, **options) for counts in (1, 2))
    return float((accumulated - big).norm() / big.norm())


def test_it_is_the_big_batch_for_means_over_equally_many_pixels_and_fixed_statistics():
    assert relative_difference(CROSS_ENTROPY) < 1e-5


@pytest.mark.parametrize(
    ('loss', 'options'),
    [
        (CROSS_ENTROPY, {'frozen_statistics': False}),
        (CROSS_ENTROPY, {'ignored_rows': 40}),
        (DICE, {}),
    ],
    ids=['batch norm sees small batches', 'means over unlike numbers of pixels', 'Dice of small batches'],
)
def test_it_is_not_the_big_batch_otherwise(loss, options):
    assert relative_difference(loss, **options) > 1e-3
