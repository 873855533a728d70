import pytest
import torch
from mmengine.hooks import Hook

from mmseg_custom.config import enable_amp, load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine import compilation
from mmseg_custom.engine.compilation import compile_or_keep
from mmseg_custom.engine.resume_points import resume_points
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.io.checkpoints.checkpoint_file import check_resume_point


@pytest.fixture
def cfg(tiny_recipe):
    cfg = load_run_config(tiny_recipe / 'tiny_stage1.py', cfg_options={'train_cfg.max_epochs': 1})
    prepare(cfg)
    return cfg


@pytest.fixture
def said(monkeypatch):
    said = []
    monkeypatch.setattr(compilation, 'print_log', lambda message, *_: said.append(message))
    return said


def refuse(*args, **kwargs):
    raise RuntimeError('no C++ compiler')


def test_without_a_compiler_everything_runs_as_it_is(cfg, said, monkeypatch):
    monkeypatch.setattr(torch, 'compile', refuse)
    assert compile_or_keep(abs) is abs
    cfg.compile = True
    runner = build_runner(cfg)
    runner.train()
    assert runner.epoch == 1
    assert said == ['torch.compile does not work here, going on without it: no C++ compiler'] * 2


class NotesOfACompiler(Hook):
    """What ``torch.compile`` leaves on the tensors of an optimizer whose step it has compiled."""

    def after_train_iter(self, runner, *args, **kwargs):
        for state in runner.optim_wrapper.optimizer.state.values():
            for value in filter(torch.is_tensor, state.values()):
                value._dynamo_static_input_type = 'unguarded'


def test_a_compiled_run_can_be_resumed(cfg):
    runner = build_runner(cfg)
    runner.register_hook(NotesOfACompiler())
    runner.train()
    newest = resume_points(runner.work_dir, len(runner.train_dataloader))[0]
    assert check_resume_point(newest) == runner.iter


@pytest.mark.slow
def test_a_compiled_step_trains_the_same_network(cfg, said):
    cfg.compile = dict(backend='aot_eager')
    compiled = build_runner(cfg).train().state_dict()
    cfg.compile = False
    plain = build_runner(cfg).train().state_dict()
    assert not said
    assert all(torch.allclose(compiled[key], plain[key], atol=1e-3) for key in plain)


def test_mixed_precision_trains_in_channels_last(cfg):
    enable_amp(cfg)
    runner = build_runner(cfg)
    weight = runner.model.backbone.layer4[0].conv1.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    before = weight.detach().clone()
    runner.train()
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert weight.isfinite().all() and not torch.equal(before, weight)
