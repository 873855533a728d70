"""MMEngine's EMAHook beside the project's hooks: what is scored is what is kept, and a cut changes nothing."""

import pytest
import torch
from interrupted_runs import assert_same, build, make_config, state, train
from mmengine.hooks import EMAHook

from mmseg_custom.engine.history import HISTORY_KEY, best_position
from mmseg_custom.hooks.stage_checkpoint_hook import best_checkpoint

AVERAGE = {'custom_hooks': [{'type': 'EMAHook', 'momentum': 0.3}]}


def average_of(runner):
    return next(hook for hook in runner.hooks if isinstance(hook, EMAHook)).ema_model


def test_best_checkpoint_is_the_average_that_was_scored(place):
    cfg = make_config('cosine', **AVERAGE)
    runner, _ = train(cfg)
    history = runner.message_hub.get_info(HISTORY_KEY)
    best = history[best_position(history, 'mIoU')]
    path = best_checkpoint(runner, 'mIoU', best)
    cfg.custom_hooks = []
    other = build(cfg)
    other.load_checkpoint(str(path))
    scores = other.val()
    assert scores['mIoU'] == best['mIoU'] > 0
    assert scores['val_loss'] == pytest.approx(best['val_loss'])


def test_cut_and_resumed_average_equals_the_uninterrupted_one(place):
    whole, _ = train(make_config('cosine', **AVERAGE))
    cfg = make_config('cosine', **AVERAGE, **{'default_hooks.checkpoint.interval_iters': 1})
    for position, cut in enumerate([('after_train_iter', 4), ('before_val_epoch', 6), ('after_val_epoch', 9)]):
        assert train(cfg, cut, resume=position > 0)[1], cut
    resumed, _ = train(cfg, resume=True)
    assert_same(state(resumed), state(whole))
    averages = [dict(average_of(runner).state_dict()) for runner in (resumed, whole)]
    assert_same(*averages)
    raw = whole.model.state_dict()
    changed = [key for key in raw if not torch.equal(averages[1][f'module.{key}'], raw[key])]
    assert 'decode_head.conv_seg.weight' in changed
    assert not any('running' in key or 'tracked' in key for key in changed)
