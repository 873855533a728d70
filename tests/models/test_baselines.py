from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
BASELINES = ('deeplabv3', 'no_folds', 'unet')
SIZE = (32, 64)


@pytest.fixture(params=BASELINES)
def model(request):
    torch.manual_seed(0)
    cfg = Config.fromfile(CONFIGS / 'baselines' / f'{request.param}.py')
    return MODELS.build(cfg.model)


def batch(model):
    """Two images with the first rows ignored, as the preprocessor hands them to the model."""
    labels = torch.randint(0, 19, (2, 1, *SIZE))
    labels[:, :, :10] = 255
    images = list(torch.randint(0, 256, (2, 3, *SIZE), dtype=torch.uint8))
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]
    data = model.data_preprocessor({'inputs': images, 'data_samples': samples}, training=True)
    return data['inputs'], data['data_samples'], labels.squeeze(1)


def test_every_parameter_learns(model):
    images, samples, _ = batch(model)
    loss, _ = model.parse_losses(model.loss(images, samples))
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_loss_is_the_mean_over_the_pixels_that_count(model):
    images, samples, labels = batch(model.eval())
    with torch.no_grad():
        loss, _ = model.parse_losses(model.loss(images, samples))
        logits = F.interpolate(model(images), SIZE, mode='bilinear', align_corners=False)
    assert logits.shape == (2, 19, *SIZE)
    torch.testing.assert_close(loss, F.cross_entropy(logits, labels, ignore_index=255))


def test_size_of_the_features():
    images = torch.zeros(1, 3, *SIZE)
    for name, stride, channels in (('deeplabv3', 8, 512), ('unet', 1, 64)):
        model = MODELS.build(Config.fromfile(CONFIGS / 'baselines' / f'{name}.py').model).eval()
        with torch.no_grad():
            features = model.extract_feat(images)[model.decode_head.in_index]
        assert features.shape == (1, channels, SIZE[0] // stride, SIZE[1] // stride)


def test_deeplabv3_has_the_branches_of_output_stride_8():
    head = MODELS.build(Config.fromfile(CONFIGS / 'baselines' / 'deeplabv3.py').model).decode_head
    assert [branch.conv.dilation[0] for branch in head.aspp_modules] == [1, 12, 24, 36]
    assert head.bottleneck.conv.in_channels == 5 * 256
