"""The decoder of the recipe: ASPP with image pooling, and a refinement at 1/4 of the image size."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.aspp_head import ASPPModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg_custom.models.heads.segmentation_head import SegmentationHead
from mmseg_custom.models.recomputed import recomputed

BATCH_NORM = {'type': 'BN', 'requires_grad': True}
KAIMING_INIT = [
    {'type': 'Kaiming', 'layer': 'Conv2d', 'mode': 'fan_out', 'nonlinearity': 'relu'},
    {'type': 'Constant', 'layer': '_BatchNorm', 'val': 1},
]


class ImagePooling(ConvModule):
    """Global average pool and 1x1 convolution, also for a training batch of one image.

    Plain batch norm refuses one value per channel in training, whose variance is 0. That batch is normalised
    with the running statistics, which stay as they are. A norm with a forward pass of its own (``SyncBN``)
    gathers from other processes and is left to itself.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map features (N, C, H, W) to (N, out_channels, 1, 1)."""
        x = self.conv(F.adaptive_avg_pool2d(x, 1))
        norm = self.norm
        if x.shape[0] == 1 and _is_plain_batch_norm(norm):
            x = F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
        elif norm is not None:
            x = norm(x)
        return self.activate(x) if self.with_activation else x


def _is_plain_batch_norm(norm: nn.Module | None) -> bool:
    return isinstance(norm, _BatchNorm) and type(norm).forward is _BatchNorm.forward


@MODELS.register_module()
class DeepLabV3PlusHead(SegmentationHead):
    """Decoder of `DeepLabV3+ <https://arxiv.org/abs/1802.02611>`_ with ordinary convolutions.

    Returns logits at the size of the low-level features; MMSegmentation upsamples them. Takes two feature maps:
    ``in_channels=(64, 512), in_index=(0, 3)`` selects a low-level and a high-level one.

    Args:
        dilations: Dilations of the three 3x3 branches of the ASPP. Defaults to (12, 24, 36).
        aspp_channels: Channels of each ASPP branch and of their projection. Defaults to 256.
        aspp_dropout_ratio: Elementwise dropout after the projection. Defaults to 0.5.
        c1_channels: Channels that the low-level features are reduced to. Defaults to 48.
        channels: Channels before the classifier. Defaults to 256.
        dropout_ratio: MMSegmentation's channel dropout before the classifier. Defaults to 0, none.
        with_cp: Compute the ASPP, and the refinement behind it, again in the backward pass instead of keeping their
            inside: less memory and more time, the same numbers. Defaults to ``False``.
        norm_cfg: Config of the norm layers. Defaults to trainable batch norm.
        init_cfg: Initialisation. Defaults to Kaiming normal (fan_out, ReLU) for every convolution, the
            classifier included, batch norm weight 1 and bias 0.
        **kwargs: As MMSegmentation's ``BaseDecodeHead``: ``in_channels``, ``in_index``, ``num_classes``,
            ``loss_decode`` and the rest.

    Raises:
        ValueError: If ``in_channels`` does not name exactly two feature maps.
    """

    def __init__(
        self,
        *,
        dilations: Sequence[int] = (12, 24, 36),
        aspp_channels: int = 256,
        aspp_dropout_ratio: float = 0.5,
        c1_channels: int = 48,
        channels: int = 256,
        dropout_ratio: float = 0.0,
        with_cp: bool = False,
        norm_cfg: dict | None = BATCH_NORM,
        init_cfg: dict | list[dict] | None = KAIMING_INIT,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            channels=channels,
            dropout_ratio=dropout_ratio,
            input_transform='multiple_select',
            norm_cfg=norm_cfg,
            init_cfg=init_cfg,
            **kwargs,
        )
        if len(self.in_channels) != 2:
            raise ValueError(f'in_channels={self.in_channels}: give the low-level and the high-level channels.')
        self.with_cp = with_cp
        low, high = self.in_channels
        layers = {'conv_cfg': self.conv_cfg, 'norm_cfg': self.norm_cfg, 'act_cfg': self.act_cfg}
        self.aspp_modules = ASPPModule((1, *dilations), high, aspp_channels, **layers)
        self.image_pool = ImagePooling(high, aspp_channels, 1, **layers)
        self.project = ConvModule((len(dilations) + 2) * aspp_channels, aspp_channels, 1, **layers)
        self.aspp_dropout = nn.Dropout(aspp_dropout_ratio)
        self.low_level_conv = ConvModule(low, c1_channels, 1, **layers)
        self.fusion_conv = nn.Sequential(
            ConvModule(aspp_channels + c1_channels, channels, 3, padding=1, **layers),
            ConvModule(channels, channels, 3, padding=1, **layers),
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Map the feature maps of a backbone to logits (N, num_classes, H, W) of the low-level size."""
        low, high = self._transform_inputs(inputs)
        return self.cls_seg(self._run(self._refine, self._run(self._aspp, high), low))

    def _aspp(self, x: Tensor) -> Tensor:
        branches = [*self.aspp_modules(x), self.resize_like(self.image_pool(x), x)]
        return self.aspp_dropout(self.project(torch.cat(branches, 1)))

    def _run(self, part: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        return recomputed(self, part, *inputs) if self.with_cp else part(*inputs)

    def _refine(self, high: Tensor, low: Tensor) -> Tensor:
        low = self.low_level_conv(low)
        return self.fusion_conv(torch.cat([self.resize_like(high, low), low], 1))
