"""Writing a trained network as an ONNX file, and proving that it computes the same."""

import copy
import warnings
from inspect import signature
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmcv.cnn import fuse_conv_bn
from mmengine.config import Config
from mmseg.models import EncoderDecoder
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmseg_custom import __version__
from mmseg_custom.config import ConfigError
from mmseg_custom.errors import UserError, import_extra
from mmseg_custom.inference.labels import labels_of_config
from mmseg_custom.inference.networks import TorchNetwork, takes_whole_images
from mmseg_custom.inference.onnx_info import OnnxInfo, resize_rule
from mmseg_custom.inference.onnx_network import INPUT_NAME, OnnxNetwork
from mmseg_custom.inference.preparation import Preparation
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights
from mmseg_custom.io.files import PathLike, atomic_path
from mmseg_custom.models.one_output import class_logits, threshold_of

OPSET = 17
FREE_SIZE = (512, 512)
# Pixels at class borders may flip by rounding; a wrong graph flips far more than one in a thousand.
LEAST_EQUAL = 0.999


class ExportError(UserError, RuntimeError):
    """A network whose ONNX file does not compute what it does."""


class SizeCheck(NamedTuple):
    """PyTorch against ONNX Runtime at one size.

    Attributes:
        size: Height and width.
        difference: Largest absolute difference of the logits, ``None`` for a graph that gives ids.
        equal: Share of the pixels with the same class.
    """

    size: tuple[int, int]
    difference: float | None
    equal: float


class ExportedGraph(nn.Module):
    """From raw RGB images to logits or ids: normalisation, network (convolutions and batch norms fused), upsampling.

    Args:
        model: MMSegmentation's segmentor; a copy is changed.
        output: ``'logits'`` or ``'ids'``.
    """

    def __init__(self, model: EncoderDecoder, output: str) -> None:
        super().__init__()
        self.output, self.threshold = output, threshold_of(model)
        prepare = model.data_preprocessor
        self.takes_rgb, self.normalises = swaps_channels(prepare), prepare._enable_normalize
        self.model = fuse_conv_bn(copy.deepcopy(model).cpu().eval())

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 3, H, W), RGB, 0 to 255, to logits (N, C, H, W) or ids (N, H, W), uint8."""
        x = images if self.takes_rgb else images.flip(1)
        if self.normalises:
            x = (x - self.model.data_preprocessor.mean) / self.model.data_preprocessor.std
        logits = class_logits(self.model(x, mode='tensor'), self.threshold)
        logits = resize(logits, images.shape[2:], mode='bilinear', align_corners=self.model.align_corners)
        return logits if self.output == 'logits' else logits.argmax(1).to(torch.uint8)


def swaps_channels(prepare: nn.Module) -> bool:
    """Whether a data preprocessor turns BGR into RGB; the stacks name the attribute differently."""
    return any(getattr(prepare, name, False) for name in ('_channel_conversion', 'channel_conversion'))


def export_onnx(
    cfg: Config, model: EncoderDecoder, path: PathLike, output: str = 'logits', named: PathLike | None = None
) -> tuple[OnnxInfo, list[SizeCheck]]:
    """Write a network as an ONNX file with dynamic batch and size, if it computes the same in ONNX Runtime.

    Args:
        cfg: The config of the network; gives classes and resizing.
        model: The segmentor, with its weights, on the CPU.
        path: The file; it is there only if the check passed.
        output: ``'logits'``, or ``'ids'`` for the classes alone.
        named: How errors call the file; ``path`` if it is left out.

    Returns:
        The metadata in the file, and the check at the trained and at a smaller size.

    Raises:
        ConfigError: If the config does what a graph cannot: sliding windows, padding, other preparation.
        ExportError: If the graph computes something else.
    """
    onnx = import_extra('onnx', 'export')
    _check_exportable(cfg, model)
    info = _describe(cfg, model, output)
    width, height = info.resize.scale or FREE_SIZE
    with atomic_path(path) as temporary:
        _trace(ExportedGraph(model, output), temporary, (height, width))
        proto = onnx.load(str(temporary))
        onnx.helper.set_model_props(proto, info.to_metadata())
        onnx.save(proto, str(temporary))
        sizes = [(height, width), (height * 3 // 4, width * 5 // 8)]
        checks = [_compare(model, OnnxNetwork(temporary), size, named or path) for size in sizes]
    return info, checks


def _trace(graph: ExportedGraph, path: Path, size: tuple[int, int]) -> None:
    axes = {INPUT_NAME: {0: 'batch', 2: 'height', 3: 'width'}}
    axes[graph.output] = axes[INPUT_NAME] if graph.output == 'logits' else {0: 'batch', 1: 'height', 2: 'width'}
    names = {'input_names': [INPUT_NAME], 'output_names': [graph.output], 'dynamic_axes': axes}
    # The newer exporter needs one more package; PyTorch before 2.5 knows only this one.
    legacy = {'dynamo': False} if 'dynamo' in signature(torch.onnx.export).parameters else {}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        example = torch.zeros(2, 3, *size)
        torch.onnx.export(graph, (example,), str(path), opset_version=OPSET, **names, **legacy)


def _describe(cfg: Config, model: EncoderDecoder, output: str) -> OnnxInfo:
    labels, prepare = labels_of_config(cfg), model.data_preprocessor
    mean, std = (
        tuple(getattr(prepare, name).flatten().tolist()) if prepare._enable_normalize else None
        for name in ('mean', 'std')
    )
    weights = hash_weights(model.state_dict())
    return OnnxInfo(*labels, mean, std, resize_rule(cfg), output, weights, __version__)


def _check_exportable(cfg: Config, model: nn.Module) -> None:
    if type(model) is not EncoderDecoder:
        raise ConfigError(f'{cfg.filename}: a {type(model).__name__} cannot be exported, an EncoderDecoder can.')
    if not takes_whole_images(model):
        raise ConfigError(
            f'{cfg.filename}: sliding windows and padding are not part of a graph; export with '
            "test_cfg=dict(mode='whole') and a data_preprocessor without test_cfg."
        )


def _compare(model: nn.Module, exported: OnnxNetwork, size: tuple[int, int], path: PathLike) -> SizeCheck:
    prepare = Preparation([{'type': 'PackSegInputs'}])
    images = np.random.default_rng(0).integers(0, 256, (2, *size, 3), np.uint8)
    samples = [prepare(image) for image in images]
    ours, theirs = TorchNetwork(model)(samples), exported(samples)
    difference = None if exported.kind == 'ids' else float((ours - theirs).abs().max())
    classes = theirs if exported.kind == 'ids' else theirs.argmax(1)
    equal = float((ours.argmax(1) == classes).double().mean())
    if equal < LEAST_EQUAL:
        raise ExportError(
            f'{path} is not written: at {size[1]} x {size[0]} only {equal:.2%} of the pixels have the same class as '
            'in PyTorch; an operator of this network does not survive the export.'
        )
    return SizeCheck(size, difference, equal)
