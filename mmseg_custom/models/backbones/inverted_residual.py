"""The block of MobileNetV2 and EfficientNet-Lite."""

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmcv.cnn.bricks import Conv2dAdaptivePadding
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmseg_custom.models.recomputed import recomputed


def same_pad_conv(inputs: int, outputs: int, kernel: int, stride: int = 1, **kwargs: int) -> nn.Conv2d:
    """A convolution without bias whose padding is TensorFlow's, a function of the size of its input."""
    return Conv2dAdaptivePadding(inputs, outputs, kernel, stride, bias=False, **kwargs)


class InvertedResidual(BaseModule):
    """MobileNetV2's block (https://arxiv.org/abs/1801.04381) with ReLU6 and no squeeze-and-excitation.

    Its entries are named as in the weights: ``_expand_conv``, ``_bn0``, ``_depthwise_conv``, ``_bn1``,
    ``_project_conv``, ``_bn2``.

    Args:
        inputs: Channels of the input.
        outputs: Channels of the output.
        expansion: Factor on the channels inside.
        kernel: Of the depthwise convolution.
        stride: Of the depthwise convolution.
        dilation: Of the depthwise convolution.
        norm_cfg: Config of the norm layers.
        drop_path: Probability that a training sample passes the block by (https://arxiv.org/abs/1603.09382).
        with_cp: Compute the inside again in the backward pass instead of keeping it.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        expansion: int,
        kernel: int,
        stride: int,
        dilation: int,
        norm_cfg: dict,
        drop_path: float = 0.0,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        inside = inputs * expansion
        self.with_cp, self.drop_path = with_cp, drop_path
        self.is_residual = stride == 1 and inputs == outputs
        if expansion > 1:
            self._expand_conv = same_pad_conv(inputs, inside, 1)
            self._bn0 = build_norm_layer(norm_cfg, inside)[1]
        self._depthwise_conv = same_pad_conv(inside, inside, kernel, stride, dilation=dilation, groups=inside)
        self._bn1 = build_norm_layer(norm_cfg, inside)[1]
        self._project_conv = same_pad_conv(inside, outputs, 1)
        self._bn2 = build_norm_layer(norm_cfg, outputs)[1]

    def forward(self, x: Tensor) -> Tensor:
        """Map features (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        out = recomputed(self, self._branch, x) if self.with_cp else self._branch(x)
        if not self.is_residual:
            return out
        if self.training and self.drop_path:
            kept = torch.rand(len(x), 1, 1, 1, device=x.device) >= self.drop_path
            out = out * kept / (1 - self.drop_path)
        return x + out

    def _branch(self, x: Tensor) -> Tensor:
        if hasattr(self, '_expand_conv'):
            x = F.relu6(self._bn0(self._expand_conv(x)))
        x = F.relu6(self._bn1(self._depthwise_conv(x)))
        return self._bn2(self._project_conv(x))
