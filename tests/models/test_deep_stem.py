import torch
from mmseg.models import ResNetV1c
from small_model import assert_every_parameter_learns, build_model, objective
from torch import nn

from mmseg_custom.models import DilatedResNet


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_deep_stem_has_the_keys_of_mmsegmentation_and_its_own_size():
    plain, deep = DilatedResNet(18), DilatedResNet(18, deep_stem=True)
    host = ResNetV1c(depth=18, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))
    assert deep.state_dict().keys() == host.state_dict().keys()
    # 3x3 convolutions 3-32-32-64 and their norms, for a 7x7 one and its norm.
    stem, conv = 9 * (3 * 32 + 32 * 32 + 32 * 64) + 2 * (32 + 32 + 64), 49 * 3 * 64 + 2 * 64
    assert count(deep) - count(plain) == stem - conv
    assert count(plain.conv1) + count(plain.bn1) == conv


def test_every_layer_of_the_stem_learns():
    model = build_model(backbone={'deep_stem': True}).train()
    objective(model)[0].backward()
    assert_every_parameter_learns(model)


def test_stem_has_the_activation_asked_for_and_can_be_frozen():
    backbone = DilatedResNet(10, base_channels=4, deep_stem=True, act_cfg={'type': 'ELU'}, frozen_stages=0)
    assert not any(isinstance(module, nn.ReLU) for module in backbone.modules())
    assert backbone(torch.randn(1, 3, 64, 64))[0].shape == (1, 4, 16, 16)
    assert not any(parameter.requires_grad for parameter in backbone.stem.parameters())
