"""Interrupted and resumed equals uninterrupted, bit for bit, wherever the interruption falls."""

import os
from pathlib import Path

import pytest
import torch
from interrupted_runs import EPOCHS, LENGTH, assert_same, make_config, state, train, uninterrupted
from tiny_stage import CONFIGS

from mmseg_custom.engine import ResumeError
from mmseg_custom.engine.resume_points import replaced_points, resume_points
from mmseg_custom.io.atomic_backend import AtomicBackend

SCHEDULES = sorted(path.stem for path in (CONFIGS / '_base_' / 'schedules').glob('*.py'))

# Where a run is cut: the event, and the iterations that are then done.
IN_EPOCH = [('after_train_iter', 1), ('before_train_iter', 4), ('after_train_iter', 5)]
AT_LAST_BATCH = [('after_train_iter', 6), ('after_train_epoch', 9)]
AROUND_VALIDATION = [('before_val_epoch', 3), ('after_val_iter', 6), ('after_val_epoch', 9), ('after_val_epoch', 12)]
CUTS = sorted(IN_EPOCH + AT_LAST_BATCH + AROUND_VALIDATION, key=lambda cut: cut[1])
ONE_OF_EACH = [('after_train_iter', 4), ('after_val_iter', 9)]


@pytest.mark.parametrize('schedule', SCHEDULES)
def test_run_cut_again_and_again_equals_the_uninterrupted_one(place, schedule):
    whole = uninterrupted(schedule)
    assert whole['counters'] == (EPOCHS, EPOCHS * LENGTH, EPOCHS * LENGTH)
    assert len({record['lr'] for record in whole['history']}) > 1
    cfg = make_config(schedule, **{'default_hooks.checkpoint.interval_iters': 1})
    for position, cut in enumerate(CUTS if schedule == 'cosine' else ONE_OF_EACH):
        assert train(cfg, cut, resume=position > 0)[1], cut
    assert_same(state(train(cfg, resume=True)[0]), whole)


def test_workers_prefetch_and_lost_iterations_change_nothing(place):
    whole = uninterrupted('cosine')
    cfg = make_config('cosine', workers=2, **{'default_hooks.checkpoint.interval_iters': 2})
    for position, cut in enumerate([('after_train_iter', 4), ('after_train_iter', 8)]):
        assert train(cfg, cut, resume=position > 0)[1], cut
    assert_same(state(train(cfg, resume=True)[0]), whole)


def test_patience_survives(place):
    options = {'default_hooks.history.patience': 2, 'optim_wrapper.optimizer.lr': 1e-12}
    options |= {f'model.{part}.norm_cfg.momentum': 0.0 for part in ('backbone', 'decode_head')}
    whole = state(train(make_config('plateau', **options))[0])
    assert whole['counters'][0] == 3  # The first epoch is the best one, two more are no better.
    cfg = make_config('plateau', **options, **{'default_hooks.checkpoint.interval_iters': 1})
    for position, cut in enumerate([('after_train_iter', 8), ('after_val_iter', 9), ('after_val_epoch', 9)]):
        assert train(cfg, cut, resume=position > 0)[1], cut
    assert_same(state(train(cfg, resume=True)[0]), whole)


def test_accumulated_gradients_are_used_before_a_point_is_written(place):
    options = {'optim_wrapper.accumulative_counts': 2, 'train_cfg.max_epochs': 2}
    whole = state(train(make_config('cosine', **options))[0])
    cfg = make_config('cosine', **options, **{'default_hooks.checkpoint.interval_iters': 1})
    assert train(cfg, ('after_train_iter', 2))[1]
    assert [path.name for path in resume_points(cfg.work_dir, LENGTH)] == ['iter_2.pth']
    assert_same(state(train(cfg, resume=True)[0]), whole)


def test_damaged_newest_point_is_passed_over_whatever_its_kind(place):
    whole = uninterrupted('cosine')
    cfg = make_config('cosine', **{'default_hooks.checkpoint.interval_iters': 1})
    assert train(cfg, ('after_train_iter', 5))[1]
    names = [path.name for path in resume_points(cfg.work_dir, LENGTH)]
    assert names == ['iter_5.pth', 'iter_4.pth']
    newest = Path(cfg.work_dir) / names[0]
    newest.write_bytes(newest.read_bytes()[:1000])
    assert train(cfg, ('before_train_iter', 4), resume=True)[1]
    assert_same(state(train(cfg, resume=True)[0]), whole)


def test_interrupted_validation_is_made_up_for(place):
    cfg = make_config('plateau')
    assert train(cfg, ('after_val_iter', EPOCHS * LENGTH))[1]
    assert [path.name for path in resume_points(cfg.work_dir, LENGTH)] == ['iter_12.pth', 'epoch_3.pth']
    runner, _ = train(cfg, resume=True)
    assert [record['epoch'] for record in state(runner)['history']] == [1, 2, 3, 4]
    assert [path.name for path in resume_points(cfg.work_dir, LENGTH)] == ['epoch_4.pth', 'epoch_3.pth']
    assert_same(state(runner), uninterrupted('plateau'))


def test_another_number_of_batches_is_refused(place):
    cfg = make_config('cosine')
    assert train(cfg, ('after_val_epoch', 3))[1]
    cfg.train_dataloader.batch_size = 2
    with pytest.raises(ResumeError, match='an epoch had 3 batches; now it has 5'):
        train(cfg, resume=True)


def test_deterministic_switch_is_passed_on(place, monkeypatch):
    monkeypatch.delenv('CUBLAS_WORKSPACE_CONFIG', raising=False)
    cfg = make_config('cosine', **{'randomness.deterministic': True, 'train_cfg.max_epochs': 1})
    try:
        assert train(cfg, ('before_val_epoch', LENGTH))[1]
        torch.use_deterministic_algorithms(False)
        train(cfg, resume=True)
        assert torch.are_deterministic_algorithms_enabled() and torch.backends.cudnn.deterministic
        assert os.environ['CUBLAS_WORKSPACE_CONFIG'] == ':4096:8'
    finally:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.deterministic = False


def test_older_points_stay_until_the_newer_one_is_proven(place, monkeypatch):
    write = AtomicBackend.put

    def damage(backend, content, path):
        write(backend, content if 'iter_6' not in str(path) else content[:2000] + b'?' + content[2001:], path)

    monkeypatch.setattr(AtomicBackend, 'put', damage)
    cfg = make_config('cosine', **{'default_hooks.checkpoint.keep': 1})
    assert train(cfg, ('after_val_iter', 6))[1]
    assert [path.name for path in resume_points(cfg.work_dir, LENGTH)] == ['epoch_1.pth']


def test_order_of_points(tmp_path):
    for name in ('epoch_1.pth', 'epoch_10.pth', 'iter_28.pth', 'iter_30.pth', 'iter_31.pth', 'earlier_iter_99.pth'):
        (tmp_path / name).touch()
    names = [path.name for path in resume_points(str(tmp_path), epoch_length=3)]
    assert names == ['iter_31.pth', 'epoch_10.pth', 'iter_30.pth', 'iter_28.pth', 'epoch_1.pth']
    replaced = replaced_points(tmp_path / 'epoch_10.pth', epoch_length=3, keep=2)
    assert [path.name for path in replaced] == ['iter_31.pth', 'iter_30.pth', 'epoch_1.pth']


@pytest.mark.slow
@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('schedule', SCHEDULES)
def test_every_cut_of_every_schedule(place, schedule, workers):
    whole = uninterrupted(schedule)
    for interval in (None, 2):
        for cut in CUTS:
            cfg = make_config(schedule, workers, **{'default_hooks.checkpoint.interval_iters': interval})
            assert train(cfg, cut)[1], cut
            assert_same(state(train(cfg, resume=True)[0]), whole, f'{cut} {interval}')
