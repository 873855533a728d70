"""The full network of the recipe, or a small one, with images and labels for it."""

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from benchmarks.inputs import IGNORED
from benchmarks.options import ROOT, Options
from mmseg_custom.models import CEDiceLoss
from mmseg_custom.plan_file import read_config

CLASSES = 19


def recipe_config(options: Options, stage: int = 5) -> Config:
    """The config of a stage of the recipe; with ``quick`` that of the street scenes."""
    cfg = read_config(ROOT / 'configs' / config_name(options, stage))
    init_default_scope(cfg.default_scope)
    return cfg


def config_name(options: Options, stage: int = 5) -> str:
    """Its name under ``configs``."""
    return f'streets_stage{stage}.py' if options.quick else f'stage{stage}.py'


def working_size(options: Options) -> tuple[int, int]:
    """Height and width of the images that the network sees."""
    return (128, 256) if options.quick else (512, 1024)


def build_network(options: Options, implementation: str = 'fused') -> nn.Module:
    """The network with random weights, the same ones each time."""
    torch.manual_seed(0)
    model = MODELS.build(recipe_config(options).model)
    model.decode_head.loss_decode = CEDiceLoss(implementation=implementation)
    return model.to(options.device)


def batch_of(options: Options, images: int, label_scale: int = 1) -> dict[str, list]:
    """What a data loader gives: uint8 images and samples with labels, these ``label_scale`` times as large."""
    height, width = working_size(options)
    pixels = blobs(images, (height, width))
    size = (height * label_scale, width * label_scale)
    return {'inputs': list(pixels), 'data_samples': [_sample(size, (height, width)) for _ in range(images)]}


def blobs(images: int, size: tuple[int, int]) -> Tensor:
    """Smooth images (N, 3, H, W) that differ as pictures do: uniform noise would look all the same once pooled."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(images, 3, size[0] // 32, size[1] // 32, generator=generator)
    darkest, contrast = torch.rand(2, images, 3, 1, 1, generator=generator)
    fine = F.interpolate(coarse, size, mode='bilinear', align_corners=False)
    return (127 * darkest + 127 * (0.2 + 0.8 * contrast) * fine).to(torch.uint8)


def _sample(size: tuple[int, int], image_size: tuple[int, int]) -> SegDataSample:
    sample = SegDataSample(gt_sem_seg=PixelData(data=labels_of(size)[None]))
    sample.set_metainfo({'ori_shape': size, 'img_shape': image_size, 'img_path': 'image', 'seg_map_path': 'label'})
    return sample


def labels_of(size: tuple[int, int]) -> Tensor:
    """Labels of all classes in blocks, as in pictures, the upper tenth ignored."""
    height, width = size
    rows, columns = torch.arange(height) // 32, torch.arange(width) // 32
    labels = (rows[:, None] * 7 + columns * 3) % CLASSES
    labels[: height // 10] = IGNORED
    return labels
