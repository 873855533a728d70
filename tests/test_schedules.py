from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.hooks import ParamSchedulerHook
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn
from torch.optim import Adam
from torch.optim.lr_scheduler import CosineAnnealingLR, CosineAnnealingWarmRestarts, ReduceLROnPlateau

CONFIGS = Path(__file__).resolve().parent.parent / 'configs'
SCHEDULES = sorted((CONFIGS / '_base_' / 'schedules').glob('*.py'))
OTHER_OPTIMIZERS = {'sgd_poly', 'adamw_poly'}  # see test_strong_configs.py
EPOCHS = 20
ITERS = 5

# Four worse ones; four with gains below the threshold of 1e-4; two, and a recovery in time; four more.
VAL_LOSS = [2.0, 1.5, 1.0, 1.1, 1.2, 1.1, 1.1, 0.99999, 0.99998, 0.99997, 0.99996]
VAL_LOSS += [0.9, 0.95, 0.95, 0.8, 0.85, 0.85, 0.85, 0.85, 0.85]


def rates(cfg, val_loss=VAL_LOSS, iters=ITERS):
    """The learning rate of every iteration of every epoch, each scheduler stepped by MMEngine's hook."""
    optim_wrapper = build_optim_wrapper(nn.Linear(1, 1), cfg.optim_wrapper)
    found = cfg.param_scheduler if isinstance(cfg.param_scheduler, list) else [cfg.param_scheduler]
    common = {'optimizer': optim_wrapper, 'epoch_length': iters}
    schedulers = [
        PARAM_SCHEDULERS.build({'end': cfg.train_cfg.max_epochs, **scheduler}, default_args=common)
        for scheduler in found
    ]
    runner, hook = SimpleNamespace(param_schedulers=schedulers), ParamSchedulerHook()
    epochs = []
    for loss in val_loss[: cfg.train_cfg.max_epochs]:
        epochs.append([])
        for batch in range(iters):
            epochs[-1].append(optim_wrapper.get_lr()['lr'][0])
            optim_wrapper.step()
            hook.after_train_iter(runner, batch)
        hook.after_train_epoch(runner)
        hook.after_val_epoch(runner, {'val_loss': loss, 'mIoU': 50.0})
    return epochs


def torch_rates(scheduler, **kwargs):
    """The learning rate of every epoch under one of PyTorch's own schedulers."""
    optimizer = Adam(nn.Linear(1, 1).parameters(), lr=kwargs.pop('lr'))
    scheduler = scheduler(optimizer, **kwargs)
    epochs = []
    for loss in VAL_LOSS:
        epochs.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        scheduler.step(*([loss] if isinstance(scheduler, ReduceLROnPlateau) else []))
    return epochs


def load(name, lr=1e-3):
    cfg = Config.fromfile(CONFIGS / '_base_' / 'schedules' / f'{name}.py')
    cfg.optim_wrapper.optimizer.lr = lr
    return cfg


REFERENCES = {
    'plateau': (ReduceLROnPlateau, dict(factor=0.5, patience=3)),
    'cosine': (CosineAnnealingLR, dict(T_max=20, eta_min=0.05 * 1e-3)),
    'warm_restarts': (CosineAnnealingWarmRestarts, dict(T_0=5, T_mult=2, eta_min=1e-6)),
}


@pytest.mark.parametrize('name', REFERENCES)
def test_schedules_of_the_recipe_are_those_of_torch(name):
    reference, kwargs = REFERENCES[name]
    expected = torch_rates(reference, lr=1e-3, **kwargs)
    measured = rates(load(name))
    assert len(measured) == EPOCHS and len(set(expected)) > 2
    for epoch, (values, value) in enumerate(zip(measured, expected, strict=True)):
        assert values == [pytest.approx(value, rel=1e-9)] * ITERS, epoch


def test_plateau_halves_after_four_epochs_that_are_no_better():
    by_epoch = [values[0] for values in rates(load('plateau'))]
    assert by_epoch == [1e-3] * 7 + [5e-4] * 4 + [2.5e-4] * 8 + [1.25e-4]


def test_warm_up_rises_over_the_first_epoch_and_then_falls_by_cosine():
    first, *rest = rates(load('warm_up'))
    assert first == pytest.approx([1e-5, 2.575e-4, 5.05e-4, 7.525e-4, 1e-3])
    assert rest[0] == [1e-3] * ITERS  # the peak
    assert all(len(set(values)) == 1 for values in rest)
    # Cosine over 19 epochs from 1e-3 to 5e-5; the last epoch is at 18 / 19 of half a circle.
    assert rest[-1][-1] == pytest.approx(5e-5 + 9.5e-4 * (1 - 0.986361303) / 2)


def test_one_cycle_rises_to_the_rate_of_the_stage_and_falls_to_nothing():
    steps = [value for values in rates(load('one_cycle')) for value in values]
    assert steps[0] == pytest.approx(4e-5)
    assert steps[29] == steps[30] == pytest.approx(1e-3)
    assert max(steps) == pytest.approx(1e-3)
    assert steps[-1] == pytest.approx(4e-9)
    assert steps[:30] == sorted(steps[:30]) and steps[30:] == sorted(steps[30:], reverse=True)
    rise, fall = (1e-3 - 4e-5) / 29, (1e-3 - 4e-9) / 69
    assert steps[10] == pytest.approx(4e-5 + 10 * rise)
    assert steps[50] == pytest.approx(1e-3 - 20 * fall)


def test_poly_falls_with_every_iteration_to_zero():
    steps = [value for values in rates(load('poly'), iters=10) for value in values]
    assert steps[0] == 1e-3
    assert steps[-1] == pytest.approx(0, abs=1e-12)
    # 199 steps from the first to the last: a linear fall of 100 / 199, to the power of 0.9.
    assert steps[100] == pytest.approx(1e-3 * (99 / 199) ** 0.9)
    assert steps == sorted(steps, reverse=True)


def test_all_schedules_are_tried():
    assert {path.stem for path in SCHEDULES} == {*REFERENCES, 'warm_up', 'one_cycle', 'poly', *OTHER_OPTIMIZERS}


@pytest.mark.parametrize(
    'schedule', [path for path in SCHEDULES if path.stem not in OTHER_OPTIMIZERS], ids=lambda path: path.stem
)
def test_one_line_changes_the_schedule_of_a_stage(schedule, tmp_path):
    text = (CONFIGS / 'stage5.py').read_text()
    assert text.count('schedules/cosine.py') == 1
    text = text.replace('schedules/cosine.py', f'schedules/{schedule.name}').replace('./', f'{CONFIGS}/')
    (tmp_path / 'stage5.py').write_text(text)
    cfg = Config.fromfile(tmp_path / 'stage5.py')
    assert cfg.train_cfg == load(schedule.stem).train_cfg
    assert cfg.optim_wrapper.clip_grad.max_norm == 1.0
    epochs = rates(cfg)
    assert max(map(max, epochs)) == pytest.approx(5e-5)
    assert epochs[-1][-1] < 5e-5
