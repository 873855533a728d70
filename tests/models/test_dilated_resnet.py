import pytest
import torch
from mmengine.logging import MMLogger
from reference_network import Backbone
from small_model import batch_norms, build_model, objective
from torch import nn

from mmseg_custom.io.checkpoints.checkpoint_file import CheckpointError
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


@pytest.fixture
def torchvision_file(tmp_path):
    """A state dict under torchvision's names, parameters and classifier included, as its older files are."""
    source = Backbone((1, 1, 1, 1), 4)
    weights = dict(source.named_parameters()) | dict(source.named_buffers())
    weights = {key: value for key, value in weights.items() if 'num_batches_tracked' not in key}
    weights['fc.weight'] = nn.Parameter(torch.ones(1000, 32))
    torch.save(weights, tmp_path / 'torchvision.pth')
    return tmp_path / 'torchvision.pth'


def start_from(path, tmp_path, **options):
    """The backbone, and what the log says about the weights."""
    log = tmp_path / 'log.txt'
    MMLogger.get_instance(str(tmp_path), log_file=str(log))
    pretrained = {'type': 'SafePretrained', 'checkpoint': str(path)}
    backbone = DilatedResNet(10, **{'base_channels': 4, **options}, init_cfg=pretrained)
    backbone.init_weights()
    return backbone, log.read_text()


def test_backbone_starts_from_torchvision_and_says_what_did_not_match(torchvision_file, tmp_path):
    weights = torch.load(torchvision_file, weights_only=True)
    backbone, log = start_from(torchvision_file, tmp_path)
    for key, value in backbone.state_dict().items():
        assert 'num_batches_tracked' in key or torch.equal(value, weights[key]), key
    assert 'unexpected key in source state_dict: fc.weight' in log and 'missing keys' not in log


def test_deep_stem_is_named_as_missing_from_torchvision(torchvision_file, tmp_path):
    _, log = start_from(torchvision_file, tmp_path, deep_stem=True)
    assert 'unexpected key in source state_dict: conv1.weight' in log
    assert 'missing keys in source state_dict: stem.0.weight' in log


def test_weights_of_another_width_are_refused(torchvision_file, tmp_path):
    with pytest.raises(CheckpointError, match=r'nothing for DilatedResNet.*depth and width'):
        start_from(torchvision_file, tmp_path, base_channels=8)


def test_pretrained_of_a_stock_config_is_a_file_to_start_from(torchvision_file):
    backbone = {'depth': 10, 'base_channels': 4}
    head = {'in_channels': (4, 32)}
    model = build_model(head, backbone, pretrained=str(torchvision_file))
    model.init_weights()
    assert torch.equal(model.backbone.conv1.weight, torch.load(torchvision_file, weights_only=True)['conv1.weight'])
    with pytest.raises(ValueError, match='give one of the two'):
        DilatedResNet(10, pretrained='a.pth', init_cfg={'type': 'Kaiming', 'layer': 'Conv2d'})


def test_pretrained_that_would_have_to_be_downloaded_is_refused_by_name():
    model = DilatedResNet(10, base_channels=4, pretrained='torchvision://resnet18')
    with pytest.raises(FileNotFoundError, match=r'torchvision://resnet18 is no local file: download it'):
        model.init_weights()
