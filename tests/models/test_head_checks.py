"""Heads that cannot train, or whose training means nothing, are refused before the first step."""

import pytest
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from small_model import build_model
from torch import nn

from mmseg_custom.models.heads.head_checks import HeadError, check_heads

SIGMOID = {'type': 'CrossEntropyLoss', 'use_sigmoid': True}
FCN = {'type': 'FCNHead', 'in_channels': 64, 'channels': 4, 'in_index': 3, 'num_classes': 5}


BINARY = {'num_classes': 2, 'out_channels': 1}


def test_heads_with_an_output_a_class_or_one_of_two_under_a_sigmoid_pass():
    check_heads(build_model())
    check_heads(nn.Conv2d(1, 1, 1))
    check_heads(build_model({**BINARY, 'loss_decode': SIGMOID}))


@pytest.mark.parametrize(
    ('head', 'message'),
    [
        (
            {**BINARY, 'loss_decode': {'type': 'CEDiceLoss'}},
            r'out_channels=1: CEDiceLoss is .*use_sigmoid=True',
        ),
        ({**BINARY, 'loss_decode': [SIGMOID, {'type': 'CrossEntropyLoss'}]}, 'CrossEntropyLoss is a loss over two'),
        ({**BINARY, 'loss_decode': SIGMOID, 'threshold': 1.0}, r'threshold=1\.0: use a probability above 0'),
        ({'num_classes': 1}, r'decode_head\.num_classes=1: what is no object is a class.*num_classes=2'),
        ({'loss_decode': {'type': 'CEDiceLoss', 'class_weight': [1.0, 2.0]}}, 'CEDiceLoss has 2 entries.* 5 classes'),
        ({'loss_decode': [{'type': 'CEDiceLoss'}, {'type': 'CrossEntropyLoss', 'class_weight': [1.0]}]}, '1 entries'),
    ],
)
def test_wrong_heads_are_named(head, message):
    with pytest.raises(HeadError, match=message):
        check_heads(build_model(head))


def test_a_head_that_matches_masks_has_a_weight_for_no_object():
    model = build_model({'loss_decode': {'type': 'CrossEntropyLoss', 'class_weight': [1.0] * 5 + [0.1]}})
    with pytest.raises(HeadError, match=r'6 entries, but the head has 5 classes: give one weight a class\.$'):
        check_heads(model)
    model.decode_head.match_masks = object()
    check_heads(model)
    model.decode_head.loss_decode.class_weight = [1.0] * 5
    with pytest.raises(HeadError, match=r'5 entries, but the head has 5 classes.* as the last, one for no object'):
        check_heads(model)


def test_auxiliary_heads_and_cascades_are_looked_at_too():
    weighted = {**FCN, 'loss_decode': {'type': 'CrossEntropyLoss', 'class_weight': [1.0] * 4}}
    with pytest.raises(HeadError, match=r'model\.auxiliary_head\[1\]: class_weight of CrossEntropyLoss has 4'):
        check_heads(build_model(auxiliary_head=[FCN, weighted]))
    backbone = {'type': 'DilatedResNet', 'depth': 10, 'base_channels': 8}
    ocr = {**FCN, 'type': 'OCRHead', 'ocr_channels': 4, 'num_classes': 2, 'out_channels': 1, 'loss_decode': SIGMOID}
    cascade = {'type': 'CascadeEncoderDecoder', 'num_stages': 2, 'backbone': backbone, 'decode_head': [FCN, ocr]}
    with pytest.raises(HeadError, match=r'model\.decode_head\[1\]\.out_channels=1: .*in a cascade'):
        check_heads(MODELS.build(ConfigDict(cascade)))
