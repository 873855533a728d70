import pytest
import torch
from mmengine.model import BaseModule
from torch import nn

from mmseg_custom.io.checkpoints.checkpoint_file import CheckpointError, save_checkpoint_file
from mmseg_custom.io.checkpoints.safe_pretrained import SafePretrained


class Part(BaseModule):
    def __init__(self, init_cfg=None):
        super().__init__(init_cfg)
        self.conv = nn.Conv2d(1, 1, 1)


class Whole(BaseModule):
    """Its child has an initialisation of its own, which comes behind the parent's."""

    def __init__(self, init_cfg=None):
        super().__init__(init_cfg)
        self.part = Part({'type': 'Constant', 'val': 5, 'layer': 'Conv2d'})


def pretrained(path, **kwargs):
    return {'type': 'SafePretrained', 'checkpoint': str(path), **kwargs}


@pytest.fixture
def path(tmp_path):
    weights = {
        'backbone.conv.weight': torch.full((1, 1, 1, 1), 2.0),
        'part.conv.weight': torch.full((1, 1, 1, 1), 3.0),
    }
    save_checkpoint_file({'state_dict': weights, 'meta': {}}, tmp_path / 'start.pth')
    return tmp_path / 'start.pth'


@pytest.mark.parametrize('prefix', ['backbone', 'backbone.'])
def test_a_part_is_taken_over(path, prefix):
    part = Part(pretrained(path, prefix=prefix))
    part.init_weights()
    assert part.conv.weight.item() == 2.0


def test_children_do_not_overwrite_it_and_keep_the_rest(path):
    whole = Whole(pretrained(path))
    whole.init_weights()
    assert whole.part.conv.weight.item() == 3.0
    assert whole.part.conv.bias.item() == 0.0


def test_a_file_without_a_fitting_entry_is_named(path):
    with pytest.raises(CheckpointError, match=r"nothing for Part.*prefix.*'head'"):
        SafePretrained(str(path), prefix='head')(Part())
