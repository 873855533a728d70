"""A temperature in the classifier's weights divides the logits, and changes no class."""

import pytest
import torch
from mmseg.registry import MODELS
from mmseg.utils import register_all_modules

from mmseg_custom.out_of_fold.calibrate_command import fold_temperature
from mmseg_custom.out_of_fold.calibration import CalibrationError


@pytest.fixture(autouse=True)
def _registered():
    register_all_modules()
    torch.manual_seed(0)


def network(heads=1, **changes):
    head = dict(type='FCNHead', in_channels=32, in_index=3, channels=4, num_convs=1, num_classes=3)
    settings = dict(
        data_preprocessor=dict(type='SegDataPreProcessor', mean=[0.0] * 3, std=[255.0] * 3, size=(32, 32)),
        backbone=dict(type='DilatedResNet', depth=10, base_channels=4),
        decode_head={**head, **changes},
        test_cfg=dict(mode='whole'),
    )
    if heads == 1:
        return MODELS.build(dict(type='EncoderDecoder', **settings)).eval()
    ocr = dict(type='OCRHead', in_channels=32, in_index=3, channels=4, ocr_channels=4, num_classes=3)
    settings['decode_head'] = [head, ocr]
    return MODELS.build(dict(type='CascadeEncoderDecoder', num_stages=2, **settings)).eval()


@pytest.mark.parametrize('heads', [1, 2])
def test_logits_are_divided_and_classes_stay(heads):
    model, images = network(heads), torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        before = model(images, mode='tensor')
        fold_temperature(model, 1.5)
        after = model(images, mode='tensor')
    assert torch.allclose(after * 1.5, before, rtol=1e-4, atol=1e-5) and before.std() > 0
    assert torch.equal(after.argmax(1), before.argmax(1))


def test_networks_whose_weights_cannot_take_it_are_refused():
    with pytest.raises(CalibrationError, match='one output under a sigmoid'):
        fold_temperature(network(num_classes=2, out_channels=1, threshold=0.3), 1.5)
    model = network()
    del model.decode_head.conv_seg
    with pytest.raises(CalibrationError, match='FCNHead has no conv_seg'):
        fold_temperature(model, 1.5)
    model = network()
    inner = model.decode_head.forward
    model.decode_head.forward = lambda features: inner(features) + 1
    with pytest.raises(CalibrationError, match='computes more behind it'):
        fold_temperature(model, 1.5)
