"""The Lovasz-Softmax loss, a surrogate of the mean IoU."""

from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_custom.models.losses.calls import check_options, check_reduction, checked_target
from mmseg_custom.models.losses.pixel_sums import at_least_float32, safe_ratio


@MODELS.register_module()
class LovaszSoftmaxLoss(nn.Module):
    """The mean over the classes present of the Lovasz extension of ``1 - IoU``, over the batch of this process.

    `The Lovasz-Softmax loss <https://arxiv.org/abs/1705.08790>`_. The values are those of MMSegmentation's
    ``LovaszLoss`` with ``reduction='none'``, which is NaN for a batch without a labelled pixel, fails for one with a
    single one, and has a GPU waited for once a class. It sorts the errors of all pixels once a class: at full size it
    takes several times as long as cross-entropy and Dice together. Beside other losses, not alone; weights of a pixel
    sampler do not count.

    Args:
        ignore_index: Label that does not count, unless the head passes its own. Defaults to 255.
        loss_weight: Factor on the value. Defaults to 1.0.
        loss_name: Key in the log. Defaults to ``'loss_lovasz'``.
        **others: As in :class:`~mmseg_custom.models.losses.ce_dice_loss.SegmentationLoss`.

    Raises:
        LossError: If there is anything else in ``others``.
    """

    def __init__(
        self,
        ignore_index: int = 255,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_lovasz',
        **others: Any,
    ) -> None:
        super().__init__()
        check_options(type(self).__name__, others)
        self.ignore_index, self.loss_weight, self.loss_name = ignore_index, loss_weight, loss_name

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
        """The loss, a scalar; 0 if no pixel counts.

        Args:
            pred: Logits (N, C, H, W).
            target: Class indices (N, H, W), integers.
            weight: Passed over.
            avg_factor: Not to be given.
            reduction_override: Not to be given, but for ``'mean'``.
            ignore_index: Overrides the module's own. Defaults to ``None``.
            **kwargs: MMSegmentation's further arguments, passed over.

        Raises:
            LossError: If a value other than the mean is asked for, or logits and labels do not fit.
        """
        check_reduction(type(self).__name__, avg_factor, reduction_override)
        target = checked_target(type(self).__name__, pred, target)
        ignored = self.ignore_index if ignore_index is None else ignore_index
        return self.loss_weight * lovasz_softmax(at_least_float32(pred).softmax(1), target, ignored)


def lovasz_softmax(probabilities: Tensor, target: Tensor, ignore_index: int = 255) -> Tensor:
    """The loss of probabilities (N, C, H, W) and class indices (N, H, W), a scalar.

    An ignored pixel has no error and belongs to no class: it is sorted to the end, where it adds nothing.
    """
    if not target.numel():
        return probabilities.sum()  # 0, with a gradient
    counted = (target != ignore_index).flatten().to(probabilities.dtype)
    losses, present = [], []
    for index, of_class in enumerate(probabilities.unbind(1)):
        labelled = (target == index).flatten().to(of_class.dtype)
        errors = (labelled - of_class.flatten()).abs() * counted
        losses.append(torch.dot(errors, _growth(errors, labelled)))
        present.append(labelled.amax())
    weights = torch.stack(present)
    return safe_ratio((torch.stack(losses) * weights).sum(), weights.sum())


@torch.no_grad()
def _growth(errors: Tensor, labelled: Tensor) -> Tensor:
    """How much ``1 - IoU`` grows with each pixel (P,) that is counted as wrong, the worst ones first.

    Args:
        errors: Of each pixel, 0 to 1.
        labelled: 1 for the pixels of the class, else 0.
    """
    order = errors.argsort(descending=True)
    labelled = labelled[order]
    total = labelled.sum()
    steps = 1 - (total - labelled.cumsum(0)) / (total + (1 - labelled).cumsum(0))
    return torch.empty_like(errors).scatter_(0, order, torch.diff(steps, prepend=steps.new_zeros(1)))
