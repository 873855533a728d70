"""The network, its prediction and the averages on a second device: nothing elsewhere, nothing waits."""

import pytest
import torch
from fake_gpu import DEVICE, run_on_fake_gpu
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from small_model import CLASSES, WIDTH, build_model
from torch._subclasses.fake_tensor import DataDependentOutputException

from mmseg_custom.averaging import average_state_dicts
from mmseg_custom.models.upsampled_classes import upsampled_classes

SUPERVISED = {'type': 'AuxiliaryHead', 'in_channels': 4 * WIDTH, 'in_index': 2, 'channels': 6, 'num_classes': CLASSES}
STRONG = {
    'head': {'loss_decode': [{'type': 'CEDiceLoss'}, {'type': 'LovaszSoftmaxLoss'}]},
    'backbone': {'deep_stem': True},
    'auxiliary_head': {**SUPERVISED, 'loss_decode': {'type': 'CEDiceLoss'}},
}


def network(**options):
    model = build_model(**options)
    for module in model.modules():
        for entries in (module._parameters, module._buffers):
            entries.update({name: there(value) for name, value in entries.items() if value is not None})
    return model


def there(value):
    """A tensor like one of the CPU; this device copies none."""
    copy = torch.empty(value.shape, dtype=value.dtype, device=DEVICE)
    return torch.nn.Parameter(copy) if isinstance(value, torch.nn.Parameter) else copy


def check_training_step(**options):
    model = network(**options).train()
    labels = [torch.zeros(1, 64, 96, dtype=torch.long, device=DEVICE) for _ in range(2)]
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]
    loss, log = model.parse_losses(model.loss(torch.randn(2, 3, 64, 96, device=DEVICE), samples))
    loss.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    assert {value.device.type for value in (*gradients.values(), *log.values())} == {DEVICE}
    with pytest.raises(DataDependentOutputException):
        loss.item()


def check_prediction():
    model = network().eval()
    with torch.no_grad():
        logits = model(torch.randn(2, 3, 64, 96, device=DEVICE), mode='tensor')
    assert logits.shape == (2, CLASSES, 16, 24)
    for size in ((64, 96), (50, 111), (16, 24)):
        classes = upsampled_classes(logits, size)
        assert (classes.shape, classes.device.type) == ((2, *size), DEVICE)


def check_average():
    weights = [network().state_dict() for _ in range(3)]
    average = average_state_dicts(weights)
    assert {value.device.type for value in average.values()} == {DEVICE}
    assert {key: value.dtype for key, value in average.items()} == {
        key: value.dtype for key, value in weights[0].items()
    }


def check_all():
    init_default_scope('mmseg')
    check_training_step()
    check_training_step(**STRONG)
    check_prediction()
    check_average()


def test_on_a_gpu_every_tensor_is_there_and_nothing_waits_for_it():
    run_on_fake_gpu(check_all)
