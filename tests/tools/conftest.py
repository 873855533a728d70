import itertools
from pathlib import Path

import pytest
import torch
from mmseg.registry import MODELS

from mmseg_custom.config import load_run_config
from mmseg_custom.evaluation import testing_options
from mmseg_custom.io.checkpoints.checkpoint_file import save_checkpoint_file

# The scenes have 32 x 64 pixels; 24 x 48 is no even share of them.
SMALL = """
_base_ = './tiny_stage1.py'
resize = [dict(type='Resize', scale=(48, 24), keep_ratio=False)]
scored = _base_.read_label + [dict(type='UseWorkingSize', scale=(48, 24))] + _base_.pack
flips = [dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)]
scales = [dict(type='Resize', scale=(width, width // 2), keep_ratio=False) for width in (24, 96)]
test_pipeline = _base_.read_image + _base_.read_label + resize + [dict(type='UseWorkingSize')] + _base_.pack
original_size_pipeline = _base_.read_image + resize + _base_.read_label + _base_.pack
augmentation = dict(type='TestTimeAug', transforms=[scales, flips, *([step] for step in scored)])
tta_pipeline = _base_.read_image + [augmentation]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
"""


@pytest.fixture
def config(tiny_recipe):
    """A config whose working size is not that of the files, and `net.pth` that tells several classes apart."""
    path = tiny_recipe / 'small.py'
    path.write_text(SMALL)
    cfg = load_run_config(path)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    torch.nn.init.normal_(model.decode_head.conv_seg.weight, std=3.0)
    save_checkpoint_file({'state_dict': model.state_dict(), 'meta': {}}, 'net.pth')
    return path


@pytest.fixture
def load(config):
    """A function that reads the config and applies the options of a test."""
    numbers = itertools.count()

    def load(rule=None, tta=False, scales=None, flip=True, window=None):
        cfg = load_run_config(config)
        cfg.load_from, cfg.visualizer.name = 'net.pth', f'{Path.cwd()} {next(numbers)}'
        if tta:
            testing_options.use_tta(cfg, scales, flip)
        if window:
            testing_options.use_sliding_window(cfg, *window)
        if rule:
            testing_options.score_original_size(cfg, rule)
        return cfg

    return load
