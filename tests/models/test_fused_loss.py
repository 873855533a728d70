"""The fused losses against their plain twin, which test_losses.py compares with the formulas."""

import pytest
import torch
from fake_gpu import DEVICE, run_on_fake_gpu
from reference_losses import IGNORED, LOSSES, WEIGHTS
from small_model import build_model, objective
from torch._subclasses.fake_tensor import DataDependentOutputException
from torch.utils._python_dispatch import TorchDispatchMode

from mmseg_custom.models import CEDiceLoss, row_bands
from mmseg_custom.models.losses.ce_dice_loss import plain_sums
from mmseg_custom.models.losses.fused import fused_sums

SIZES = [((9, 11), (9, 11)), ((8, 6), (32, 24)), ((5, 7), (18, 33)), ((1, 1), (6, 5)), ((12, 10), (7, 6))]


@pytest.fixture(params=[100, 10**9], ids=['many bands', 'one band'])
def bands(request, monkeypatch):
    monkeypatch.setattr(row_bands, 'CPU_BAND', request.param)


def batch(small, size, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    logits = (torch.randn(2, 5, *small, generator=generator) * 3).to(dtype)
    target = torch.randint(0, 4, (2, *size), generator=generator)
    target[torch.rand(2, *size, generator=generator) < 0.15] = IGNORED
    return logits, target


def value_and_gradient(loss, logits, target, **options):
    logits = logits.clone().requires_grad_()
    value, _ = loss.loss_and_parts(logits, target, **options)
    value.backward()
    return value.detach(), logits.grad


def assert_twins(logits, target, loss_type=CEDiceLoss, tolerance=1e-5, settings=None, **options):
    settings = settings or {}
    value, gradient = value_and_gradient(loss_type(**settings), logits, target, **options)
    plain = loss_type(**settings, implementation='plain')
    expected, expected_gradient = value_and_gradient(plain, logits, target, **options)
    assert gradient.dtype == logits.dtype
    assert abs(value - expected) <= 1e-5 * abs(expected)
    scale = expected_gradient.abs().max().double()
    assert scale > 0
    assert (gradient.double() - expected_gradient.double()).abs().max() <= tolerance * scale


@pytest.mark.parametrize('loss_type', LOSSES)
@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize(('small', 'size'), SIZES)
def test_value_and_gradient_are_those_of_the_plain_twin(small, size, align_corners, loss_type, bands):
    assert_twins(*batch(small, size), loss_type, align_corners=align_corners)


@pytest.mark.parametrize('smoothing', [0.0, 0.2])
@pytest.mark.parametrize('weights', [None, WEIGHTS])
@pytest.mark.parametrize(('small', 'size'), SIZES[:2])
def test_class_weights_smoothing_and_pixel_weights(small, size, weights, smoothing, bands):
    settings = {'label_smoothing': smoothing, 'class_weight': weights, 'loss_weight': 3.0, 'smooth': 0.1}
    weight = torch.rand(2, *size, generator=torch.Generator().manual_seed(1))
    assert_twins(*batch(small, size), settings=settings, weight=weight, align_corners=False)


@pytest.mark.parametrize(('dtype', 'tolerance'), [(torch.bfloat16, 2**-7), (torch.float16, 2**-9)])
@pytest.mark.parametrize(('small', 'size'), SIZES[:2])
def test_half_precision_differs_by_the_rounding_of_the_gradient_alone(small, size, dtype, tolerance, bands):
    logits, target = batch(small, size, dtype)
    with torch.autocast('cpu', torch.bfloat16):
        assert_twins(logits, target, tolerance=tolerance, align_corners=False)


@pytest.mark.parametrize(('small', 'size'), SIZES[:3])
def test_gradient_in_float64_to_the_last_digits(small, size, bands):
    assert_twins(*batch(small, size, torch.float64), tolerance=1e-12, align_corners=False)


def test_channels_last_logits():
    logits, target = batch((9, 11), (9, 11))
    assert_twins(logits.contiguous(memory_format=torch.channels_last), target)


@pytest.mark.parametrize('small', [(9, 11), (3, 4)])
def test_huge_logits_stay_finite(small):
    logits, target = batch(small, (9, 11))
    assert_twins(1e4 * logits, target, align_corners=False)


@pytest.mark.parametrize('small', [(9, 11), (3, 4)])
def test_nothing_valid_is_zero_with_zero_gradient(small):
    logits, _ = batch(small, (9, 11))
    target = torch.full((2, 9, 11), IGNORED)
    value, gradient = value_and_gradient(CEDiceLoss(class_weight=WEIGHTS), logits, target, align_corners=False)
    assert value == 0
    assert (gradient == 0).all()


def test_backward_twice_adds_up_and_a_second_derivative_is_refused():
    logits, target = batch((9, 11), (9, 11))
    _, once = value_and_gradient(CEDiceLoss(), logits, target)
    logits.requires_grad_()
    value = CEDiceLoss()(logits, target)
    value.backward(retain_graph=True)
    value.backward(retain_graph=True)
    torch.testing.assert_close(logits.grad, 2 * once)
    (gradient,) = torch.autograd.grad(value, logits, create_graph=True)
    with pytest.raises(RuntimeError, match='once_differentiable'):
        gradient.sum().backward()


@pytest.mark.parametrize('small', [(9, 11), (3, 4)])
def test_threads_change_no_digit_and_are_given_back(small, monkeypatch):
    monkeypatch.setattr(row_bands, 'CPU_BAND', 100)
    logits, target = batch(small, (9, 11))
    alone = value_and_gradient(CEDiceLoss(), logits, target, align_corners=False)
    torch.set_num_threads(3)
    together = value_and_gradient(CEDiceLoss(), logits, target, align_corners=False)
    assert torch.get_num_threads() == 3
    assert all(torch.equal(*pair) for pair in zip(alone, together, strict=True))
    target[0, 0, 0] = 5
    with pytest.raises(RuntimeError, match='out of bounds'):
        CEDiceLoss().loss_and_parts(logits, target, align_corners=False)
    assert torch.get_num_threads() == 3


def test_unknown_implementation_is_named():
    with pytest.raises(ValueError, match="implementation='fast'"):
        CEDiceLoss(implementation='fast')


class Largest(TorchDispatchMode):
    """Notes how many values the largest new float tensor has."""

    def __init__(self):
        super().__init__()
        self.values = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for result in out if isinstance(out, tuple | list) else (out,):
            if isinstance(result, torch.Tensor) and result.is_floating_point():
                self.values = max(self.values, result.numel())
        return out


@pytest.mark.parametrize(('implementation', 'full_size'), [('fused', False), ('plain', True)])
def test_logits_of_full_size_never_exist(implementation, full_size, monkeypatch):
    monkeypatch.setattr(row_bands, 'CPU_BAND', 2000)
    logits, target = batch((16, 16), (64, 64))
    with Largest() as largest:
        value_and_gradient(CEDiceLoss(implementation=implementation), logits, target, align_corners=False)
    assert (largest.values >= 2 * 5 * 64 * 64) == full_size


@pytest.mark.parametrize('align_corners', [False, True])
def test_our_head_trains_the_same_with_both(align_corners):
    gradients, losses = [], []
    for implementation in ('fused', 'plain'):
        loss = {'type': 'CEDiceLoss', 'implementation': implementation}
        model = build_model({'align_corners': align_corners, 'loss_decode': loss})
        loss, log = objective(model)
        loss.backward()
        losses.append({name: value.item() for name, value in log.items()})
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in model.parameters()]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert (gradients[0] - gradients[1]).abs().max() <= 1e-5 * gradients[1].abs().max()


def check_on_fake_gpu():
    for implementation in ('fused', 'plain'):
        loss = CEDiceLoss(class_weight=WEIGHTS, implementation=implementation).to(DEVICE)
        for small, size in SIZES:
            logits = torch.randn(2, 5, *small, device=DEVICE, requires_grad=True)
            target = torch.zeros(2, *size, dtype=torch.long, device=DEVICE)
            weight = torch.rand(2, *size, device=DEVICE)
            value, parts = loss.loss_and_parts(logits, target, weight, align_corners=False)
            value.backward()
            assert {tensor.device.type for tensor in (value, logits.grad, *parts.values())} == {DEVICE}
            assert logits.grad.shape == logits.shape
        with pytest.raises(DataDependentOutputException):
            value.item()
        with pytest.raises(RuntimeError, match='device'):
            loss.loss_and_parts(logits, target.cpu(), align_corners=False)


def test_on_a_gpu_every_tensor_is_there_and_nothing_waits_for_it():
    run_on_fake_gpu(check_on_fake_gpu)


def test_sums_of_both_implementations():
    logits, target = batch((5, 7), (18, 33))
    for fused, plain in zip(fused_sums(logits, target), plain_sums(logits, target), strict=True):
        torch.testing.assert_close(fused, plain)
