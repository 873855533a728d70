"""Deep supervision: a second, small head on an inner stage of the backbone, which only training has."""

from typing import Any

from mmseg.models.decode_heads.fcn_head import FCNHead
from mmseg.registry import MODELS

from mmseg_custom.models.heads.segmentation_head import SegmentationHead

BATCH_NORM = {'type': 'BN', 'requires_grad': True}


@MODELS.register_module()
class AuxiliaryHead(SegmentationHead, FCNHead):
    """MMSegmentation's ``FCNHead`` with the losses of :class:`SegmentationHead`, an ``auxiliary_head``.

    `Pyramid Scene Parsing Network <https://arxiv.org/abs/1612.01105>`_, section 3.3. Its weight in the objective is
    the ``loss_weight`` of its loss, 0.4 there. MMSegmentation's also computes a training accuracy in every step, for
    which it waits for the GPU.

    Args:
        num_convs: 3x3 convolutions before the classifier. Defaults to 1.
        concat_input: Also classify the input itself. Defaults to ``False``.
        norm_cfg: Config of the norm layers. Defaults to trainable batch norm.
        **kwargs: As ``FCNHead``: ``in_channels``, ``in_index``, ``channels``, ``num_classes``, ``loss_decode`` and
            the rest.
    """

    def __init__(
        self,
        *,
        num_convs: int = 1,
        concat_input: bool = False,
        norm_cfg: dict | None = BATCH_NORM,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_convs=num_convs, concat_input=concat_input, norm_cfg=norm_cfg, **kwargs)
