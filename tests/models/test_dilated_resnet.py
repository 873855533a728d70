import pytest
import torch
from reference_network import Backbone
from small_model import batch_norms, build_model, objective
from torch import nn

from mmseg_custom.models import DilatedResNet


@pytest.mark.parametrize('kind', ['BN', 'SyncBN'])
def test_backbone_has_the_keys_of_torchvision(kind):
    backbone = DilatedResNet(34, base_channels=4, norm_cfg={'type': kind})
    assert backbone.state_dict().keys() == Backbone((3, 4, 6, 3), 4).state_dict().keys()


def test_backbone_returns_the_stages_asked_for():
    backbone = DilatedResNet(10, base_channels=4, in_channels=1, out_indices=(1, 3))
    shapes = [tuple(feature.shape) for feature in backbone(torch.randn(2, 1, 64, 96))]
    assert shapes == [(2, 8, 8, 12), (2, 32, 8, 12)]


def test_activation_is_configurable():
    backbone = DilatedResNet(10, base_channels=4, act_cfg={'type': 'LeakyReLU'})
    assert not any(isinstance(module, nn.ReLU) for module in backbone.modules())
    assert backbone(torch.randn(1, 3, 64, 64))[0].min() < 0


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'depth': 50}, 'depth=50'),
        ({'depth': 18, 'strides': (1, 2, 1)}, r'strides=\(1, 2, 1\)'),
        ({'depth': 18, 'dilations': (1, 1, 2, 4, 8)}, r'dilations=\(1, 1, 2, 4, 8\)'),
        ({'depth': 18, 'out_indices': (0, 4)}, r'out_indices=\(0, 4\)'),
        ({'depth': 18, 'frozen_stages': 5}, 'frozen_stages=5'),
    ],
)
def test_wrong_backbone_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        DilatedResNet(**options)


def test_backbone_starts_from_a_checkpoint(tmp_path):
    source = DilatedResNet(10, base_channels=4)
    torch.save(source.state_dict(), tmp_path / 'backbone.pth')
    pretrained = {'type': 'Pretrained', 'checkpoint': str(tmp_path / 'backbone.pth')}
    backbone = DilatedResNet(10, base_channels=4, init_cfg=pretrained)
    backbone.init_weights()
    assert all(torch.equal(value, source.state_dict()[key]) for key, value in backbone.state_dict().items())


def test_frozen_stages_neither_learn_nor_change():
    model = build_model(backbone={'frozen_stages': 1}).train()
    before = {key: value.clone() for key, value in model.backbone.state_dict().items()}
    objective(model)[0].backward()
    for name, parameter in model.backbone.named_parameters():
        assert (parameter.grad is None) == name.startswith(('conv1', 'bn1', 'layer1')), name
    changed = {key for key, value in model.backbone.state_dict().items() if not torch.equal(value, before[key])}
    assert changed and all(key.startswith(('layer2', 'layer3', 'layer4')) for key in changed)


def test_norm_eval_keeps_only_the_norms_of_the_backbone_in_evaluation_mode():
    model = build_model(backbone={'norm_eval': True}).train()
    assert not any(norm.training for norm in batch_norms(model.backbone))
    assert all(norm.training for norm in batch_norms(model.decode_head))
    assert model.backbone.training and model.backbone.train() is model.backbone
