"""What all losses of the project share: the adapter between MMSegmentation's heads and the pure functions."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmseg_custom.io.files import read_json
from mmseg_custom.models.global_sums import global_sums
from mmseg_custom.models.losses.calls import LossError, check_options, check_pixels, check_reduction, checked_target
from mmseg_custom.models.losses.functional import PixelSums, plain_sums
from mmseg_custom.models.losses.fused import fused_sums

IMPLEMENTATIONS = {'fused': fused_sums, 'plain': plain_sums}


class SegmentationLoss(nn.Module, ABC):
    """Loss module as MMSegmentation's decode heads call it; a subclass supplies :meth:`terms`.

    Args:
        loss_name: Key of the value in the log; a name that starts with ``loss_`` is part of the objective.
        class_weight: One weight a class, or the path of the file that ``prepare_data.py --class-weights`` wrote.
            Defaults to ``None``, all equal.
        ignore_index: Label that does not count, unless the head passes its own. Defaults to 255.
        loss_weight: Factor on the value. Defaults to 1.0.
        implementation: ``'fused'``, in bands of rows, or ``'plain'``, in tensors of full size: the same value and
            gradient; only the plain one has a second derivative. Defaults to ``'fused'``.
        sync: In training on several processes, take every sum over the batches of all of them: value and gradient
            are then those of one process with the whole batch. If ``False``, each process has the loss of its own
            batch. Defaults to ``True``.
        sampled: Let the weights of a pixel sampler count. ``False`` passes them over: with hard examples alone Dice
            would be that of the hard pixels, not of the classes. Defaults to ``True``.
        **others: What a base config may say of MMSegmentation's losses, at the value that describes this one too
            (:data:`~mmseg_custom.models.losses.calls.ALREADY_SO`).

    Raises:
        LossError: If an argument has a value that cannot be.
    """

    label_smoothing = 0.0

    def __init__(
        self,
        loss_name: str,
        class_weight: Sequence[float] | str | None = None,
        ignore_index: int = 255,
        loss_weight: float = 1.0,
        implementation: str = 'fused',
        sync: bool = True,
        sampled: bool = True,
        **others: Any,
    ) -> None:
        super().__init__()
        check_options(type(self).__name__, others)
        if implementation not in IMPLEMENTATIONS:
            raise LossError(f'implementation={implementation!r} is unknown: use one of {tuple(IMPLEMENTATIONS)}.')
        self.implementation = implementation
        self.sync = sync
        self.sampled = sampled
        self.weight_file = class_weight if isinstance(class_weight, str) else None
        class_weight = read_class_weights(class_weight) if self.weight_file else class_weight
        weights = None if class_weight is None else torch.tensor(class_weight, dtype=torch.float32)
        self.register_buffer('class_weight', weights, persistent=False)
        self.loss_name = loss_name
        self.ignore_index = ignore_index
        self.loss_weight = loss_weight

    @abstractmethod
    def terms(self, sums: PixelSums, class_weight: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss before ``loss_weight``, and the parts that it is made of, by name."""

    def loss_and_parts(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        align_corners: bool | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss and, detached for the log, its unweighted parts.

        Args:
            pred: Logits (N, C, H, W), or (N, C, h, w) with ``align_corners``.
            target: Class indices (N, H, W), integers.
            weight: Pixel weights (N, H, W) of a pixel sampler. If ``sampled``, every sum becomes a weighted one, so
                that 0 is as good as ignored. Defaults to ``None``.
            ignore_index: Overrides the module's own. Defaults to ``None``.
            align_corners: Bring the logits to the size of the labels by bilinear interpolation, with this rule for
                the corners. Defaults to ``None``, another size is an error.

        Raises:
            LossError: If the shapes do not fit each other or the class weights, or labels are no integers.
        """
        size = None if align_corners is None else target.shape[1:]
        target = checked_target(type(self).__name__, pred, target, size)
        if weight is not None:
            check_pixels(pred, 'weight', weight, size)
        self._check_class_weight(pred.shape[1])
        sums = IMPLEMENTATIONS[self.implementation](
            pred,
            target,
            label_smoothing=self.label_smoothing,
            class_weight=self.class_weight,
            pixel_weight=weight if self.sampled else None,
            ignore_index=self.ignore_index if ignore_index is None else ignore_index,
            align_corners=bool(align_corners),
        )
        if self.sync and self.training:
            cross_entropy, divisor, *dice = global_sums([*sums.cross_entropy, *sums.dice])
            sums = PixelSums((cross_entropy, divisor), tuple(dice))
        total, parts = self.terms(sums, self.class_weight)
        return self.loss_weight * total, {name: part.detach() for name, part in parts.items()}

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | None = None,
        reduction_override: str | None = None,
        ignore_index: int | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """The loss alone, a scalar; as :meth:`loss_and_parts`, and further arguments of MMSegmentation are ignored.

        Raises:
            LossError: If a value other than the mean is asked for.
        """
        check_reduction(type(self).__name__, avg_factor, reduction_override)
        return self.loss_and_parts(pred, target, weight, ignore_index)[0]

    def _check_class_weight(self, num_classes: int) -> None:
        if self.class_weight is not None and self.class_weight.numel() != num_classes:
            source = f' ({self.weight_file})' if self.weight_file else ''
            raise LossError(
                f'class_weight{source} has {self.class_weight.numel()} entries, but the logits have {num_classes} '
                'classes: give one weight a class.'
            )

    def extra_repr(self) -> str:
        """Name and weight for the printed model."""
        return (
            f'loss_name={self.loss_name!r}, loss_weight={self.loss_weight}, ignore_index={self.ignore_index}, '
            f'implementation={self.implementation!r}, sync={self.sync}, sampled={self.sampled}'
        )


def read_class_weights(path: str) -> list[float]:
    """Read the class weights that ``tools/prepare_data.py CONFIG --class-weights`` wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        LossError: If it is another kind of file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'class_weight={path!r} does not exist: write it with '
            '`python tools/prepare_data.py CONFIG --class-weights`.'
        )
    content = read_json(path)
    if not isinstance(content, dict) or 'weights' not in content:
        raise LossError(f'class_weight={path!r} has no `weights`: give a file of prepare_data.py --class-weights.')
    return content['weights']
