from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mmseg_custom.hooks.divergence_hook import DivergenceError, DivergenceHook


class Reads(TorchFunctionMode):
    """Counts the values that are copied from a device, for which the CPU has to wait."""

    count = 0
    KINDS = {Tensor.item, Tensor.tolist, Tensor.cpu, Tensor.numpy, Tensor.__bool__, Tensor.__float__, Tensor.__int__}

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.count += func in self.KINDS
        return func(*args, **(kwargs or {}))


@pytest.fixture
def fake(tmp_path):
    """A function that makes a runner of one weight, a hook that watches it, and one that takes a step."""

    def fake(scaler=None, interval=4):
        weight = nn.Parameter(torch.ones(3))
        optimizer = torch.optim.SGD([weight], lr=0.1)
        wrapper = SimpleNamespace(optimizer=optimizer, loss_scaler=scaler, get_lr=lambda: {'lr': [0.1]})
        runner = SimpleNamespace(
            optim_wrapper=wrapper,
            iter=0,
            epoch=0,
            work_dir=tmp_path,
            train_dataloader=[0],
            call_hook=lambda *a, **k: 0,
        )
        runner.call_hook = lambda *args, **kwargs: None
        hook = DivergenceHook(interval)
        hook.before_train(runner)

        def step(factor=1.0):
            optimizer.zero_grad()
            loss = weight.sum() * factor
            if scaler is None:
                loss.backward()
                optimizer.step()
            else:
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
            hook.after_train_iter(runner, 0, {}, {'loss': loss})
            runner.iter += 1

        return runner, hook, step

    return fake


def test_no_value_is_read_between_two_looks(fake):
    _, _, step = fake(interval=4)
    with Reads() as reads:
        for _ in range(3):
            step()
        assert reads.count == 0
        step()
    assert reads.count > 0


def test_a_step_that_the_loss_scaler_leaves_out_is_no_divergence(fake):
    scaler = torch.amp.GradScaler('cpu', init_scale=2.0**126)
    runner, _, step = fake(scaler)
    before = runner.optim_wrapper.optimizer.param_groups[0]['params'][0].clone()
    step(factor=8.0)
    assert scaler.get_scale() == 2.0**125
    assert torch.equal(runner.optim_wrapper.optimizer.param_groups[0]['params'][0], before)
    for _ in range(7):
        step()


def test_a_gradient_that_no_scale_makes_finite_is_one(fake):
    scaler = torch.amp.GradScaler('cpu', init_scale=1.0, backoff_factor=0.01)
    runner, _, step = fake(scaler)
    weight = runner.optim_wrapper.optimizer.param_groups[0]['params'][0]
    weight.register_hook(lambda gradient: gradient * torch.nan)
    with pytest.raises(DivergenceError, match='loss scale has fallen to 1e-08'):
        for _ in range(4):
            step()


def test_a_fused_optimizer_that_leaves_the_step_out_is_not_blamed(fake):
    runner, hook, _ = fake()
    optimizer = runner.optim_wrapper.optimizer
    optimizer.param_groups[0]['params'][0].grad = torch.full((3,), torch.inf)
    optimizer.found_inf = torch.ones(1)
    hook._measure_gradient(optimizer, (), {})
    assert hook._norm.item() == 0


def test_the_first_bad_step_is_named_whatever_comes_behind_it(fake):
    _, _, step = fake(interval=6)
    with pytest.raises(DivergenceError, match=r'loss of iteration 3 is not finite \(looked at 1 to 6\)'):
        for factor in (1, 1, torch.nan, 1, 1, 1):
            step(factor)
