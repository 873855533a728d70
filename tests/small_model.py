"""A small segmentor and a batch for it."""

import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.nn.modules.batchnorm import _BatchNorm

WIDTH = 8
CLASSES = 5
SMALL_HEAD = {'aspp_channels': 8, 'c1_channels': 6, 'channels': 10, 'num_classes': CLASSES}
CE_DICE = {'type': 'CEDiceLoss'}


def build_head(**kwargs):
    head = {'type': 'DeepLabV3PlusHead', 'in_channels': (WIDTH, 8 * WIDTH), 'in_index': (0, 3)}
    return MODELS.build(head | SMALL_HEAD | kwargs)


def build_model(head=None, backbone=None, **kwargs):
    torch.manual_seed(0)
    backbone = {'type': 'DilatedResNet', 'depth': 10, 'base_channels': WIDTH} | (backbone or {})
    default = {
        'type': 'DeepLabV3PlusHead',
        'in_channels': (WIDTH, 8 * WIDTH),
        'in_index': (0, 3),
    } | SMALL_HEAD
    model = {'type': 'EncoderDecoder', 'backbone': backbone, 'decode_head': default | (head or {})}
    return MODELS.build(model | kwargs)


def random_batch(size=2):
    torch.manual_seed(1)
    labels = torch.randint(0, CLASSES, (size, 1, 64, 96))
    labels[:, :, :5] = 255
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]
    return torch.randn(size, 3, 64, 96), samples


def objective(model, size=2):
    loss, log = model.parse_losses(model.loss(*random_batch(size)))
    return loss, log


def assert_every_parameter_learns(model):
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def batch_norms(module):
    found = [part for part in module.modules() if isinstance(part, _BatchNorm)]
    assert found
    return found
