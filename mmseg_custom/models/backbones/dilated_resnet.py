"""The encoder of the recipe: a ResNet of basic blocks whose two 3x3 convolutions are both dilated."""

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import build_activation_layer, build_conv_layer
from mmseg.models.backbones.resnet import BasicBlock, ResNet
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_custom.models.recomputed import recomputed

NUM_STAGES = 4
BATCH_NORM = {'type': 'BN', 'requires_grad': True}
RELU = {'type': 'ReLU', 'inplace': True}


class DilatedBasicBlock(BasicBlock):
    """Basic block with the dilation on both 3x3 convolutions; MMSegmentation's dilates only the first.

    Args:
        inplanes: Channels of the input.
        planes: Channels of the output.
        dilation: Dilation and padding of both convolutions. Defaults to 1.
        conv_cfg: Config of the convolutions; ``None`` means ``Conv2d``. Defaults to ``None``.
        **kwargs: As MMSegmentation's ``BasicBlock``.
    """

    def __init__(
        self, inplanes: int, planes: int, *, dilation: int = 1, conv_cfg: dict | None = None, **kwargs: Any
    ) -> None:
        super().__init__(inplanes, planes, dilation=dilation, conv_cfg=conv_cfg, **kwargs)
        self.conv2 = build_conv_layer(conv_cfg, planes, planes, 3, padding=dilation, dilation=dilation, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (N, inplanes, H, W) to (N, planes, H / stride, W / stride)."""
        out = recomputed(self, self._before_relu, x) if self.with_cp else self._before_relu(x)
        return self.relu(out)

    def _before_relu(self, x: Tensor) -> Tensor:
        out = self.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return out


@MODELS.register_module()
class DilatedResNet(ResNet):
    """ResNet of dilated basic blocks: 7x7 stem, 3x3 max-pool, four stages, output stride 8 by default.

    `Deep Residual Learning for Image Recognition <https://arxiv.org/abs/1512.03385>`_ with the dilations of
    `Rethinking Atrous Convolution <https://arxiv.org/abs/1706.05587>`_. With batch norm of any kind the keys
    of the state dict are those of torchvision's ResNet: ``init_cfg=dict(type='SafePretrained', checkpoint=...)``
    starts from its weights.

    Args:
        depth: 10, 18 or 34 layers.
        in_channels: Channels of the image. Defaults to 3.
        base_channels: Channels of the stem and of the first stage; each further stage doubles them.
            Defaults to 64.
        strides: Stride of each stage. Defaults to (1, 2, 1, 1).
        dilations: Dilation of each stage. Defaults to (1, 1, 2, 4).
        out_indices: Stages whose output is returned. Defaults to (0, 1, 2, 3).
        deep_stem: Three 3x3 convolutions in place of the 7x7 one, as in MMSegmentation's ``ResNetV1c``
            (`Bag of Tricks <https://arxiv.org/abs/1812.01187>`_); the keys are then those of ``ResNetV1c``.
            Defaults to ``False``.
        norm_cfg: Config of the norm layers. Defaults to trainable batch norm.
        act_cfg: Config of the activations. Defaults to ReLU in place.
        with_cp: Compute the inside of each block again in the backward pass instead of keeping it: less memory and
            more time, the same numbers. Defaults to ``False``.
        norm_eval: Keep batch norm on its running statistics in training. Defaults to ``False``.
        frozen_stages: Freeze the stem (0) and the stages up to this one; -1 freezes nothing. Defaults to -1.
        pretrained: Checkpoint file of the weights to start from, as in ``model.pretrained`` of MMSegmentation's
            configs; short for ``init_cfg=dict(type='SafePretrained', checkpoint=...)``. Defaults to ``None``.
        init_cfg: Initialisation. Defaults to Kaiming normal (fan_out, ReLU), batch norm weight 1 and bias 0.

    Raises:
        ValueError: For an unknown depth or stage, if there is not one stride and one dilation a stage, or if both
            ``pretrained`` and ``init_cfg`` are given.
    """

    arch_settings = {
        10: (DilatedBasicBlock, (1, 1, 1, 1)),
        18: (DilatedBasicBlock, (2, 2, 2, 2)),
        34: (DilatedBasicBlock, (3, 4, 6, 3)),
    }

    def __init__(
        self,
        depth: int,
        *,
        in_channels: int = 3,
        base_channels: int = 64,
        strides: Sequence[int] = (1, 2, 1, 1),
        dilations: Sequence[int] = (1, 1, 2, 4),
        out_indices: Sequence[int] = (0, 1, 2, 3),
        deep_stem: bool = False,
        norm_cfg: dict = BATCH_NORM,
        act_cfg: dict = RELU,
        with_cp: bool = False,
        norm_eval: bool = False,
        frozen_stages: int = -1,
        pretrained: str | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        if depth not in self.arch_settings:
            raise ValueError(f'depth={depth} is unknown: use one of {sorted(self.arch_settings)}.')
        _check_stages(strides, dilations, out_indices, frozen_stages)
        if pretrained is not None:
            if init_cfg is not None:
                raise ValueError(f'pretrained={pretrained!r} and init_cfg={init_cfg}: give one of the two.')
            init_cfg = {'type': 'SafePretrained', 'checkpoint': pretrained}
        super().__init__(
            depth,
            in_channels=in_channels,
            stem_channels=base_channels,
            base_channels=base_channels,
            strides=strides,
            dilations=dilations,
            out_indices=out_indices,
            deep_stem=deep_stem,
            norm_cfg=norm_cfg,
            with_cp=with_cp,
            norm_eval=norm_eval,
            frozen_stages=frozen_stages,
            zero_init_residual=False,
            init_cfg=init_cfg,
        )
        self.stem: nn.Sequential
        for module in list(self.modules()):
            if isinstance(module, ResNet | BasicBlock):
                module.relu = build_activation_layer(act_cfg)
        if deep_stem:
            self.stem = nn.Sequential(
                *(build_activation_layer(act_cfg) if isinstance(layer, nn.ReLU) else layer for layer in self.stem)
            )

    def train(self, mode: bool = True) -> 'DilatedResNet':
        """Switch the mode as MMEngine does (frozen parts stay in evaluation mode) and return the module."""
        super().train(mode)
        return self


def _check_stages(
    strides: Sequence[int], dilations: Sequence[int], out_indices: Sequence[int], frozen_stages: int
) -> None:
    for name, values in (('strides', strides), ('dilations', dilations)):
        if len(values) != NUM_STAGES:
            raise ValueError(
                f'{name}={values} has {len(values)} entries: give one for each of the {NUM_STAGES} stages.'
            )
    if not out_indices or not set(out_indices) <= set(range(NUM_STAGES)):
        raise ValueError(f'out_indices={out_indices} must name stages from 0 to {NUM_STAGES - 1}.')
    if not -1 <= frozen_stages <= NUM_STAGES:
        raise ValueError(f'frozen_stages={frozen_stages} must lie between -1 (none) and {NUM_STAGES} (all).')
