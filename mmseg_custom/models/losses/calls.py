"""How MMSegmentation configures and calls a loss, and what the losses of this project make of it."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmseg_custom.errors import UserError

# What MMSegmentation's losses can be told, at the one value that describes ours: a config that inherits these works.
ALREADY_SO = {'use_sigmoid': False, 'use_mask': False, 'reduction': 'mean', 'avg_non_ignore': True}


class LossError(UserError, ValueError):
    """A loss that is configured or called for what it does not compute; the message says what it does."""


def check_options(loss: str, options: Mapping[str, Any]) -> None:
    """See that what a config has left over for a loss asks for nothing else than it does.

    Args:
        loss: The name of its class.
        options: Arguments that the class has no use for.

    Raises:
        LossError: Naming the option.
    """
    for name, value in options.items():
        if name not in ALREADY_SO:
            raise LossError(
                f'{loss} has no {name}={value!r}: leave it out. If a base config says it, '
                f"loss_decode=dict(_delete_=True, type='{loss}') drops what that says."
            )
        if value != ALREADY_SO[name]:
            raise LossError(
                f'{loss} is a softmax over the classes and a mean over the pixels that are not ignored, which '
                f'{name}={value!r} is not: leave it out, or take CrossEntropyLoss.'
            )


def check_reduction(loss: str, avg_factor: float | None, reduction_override: str | None) -> None:
    """See that the mean is asked for.

    Raises:
        LossError: If not.
    """
    if avg_factor is not None or reduction_override not in (None, 'mean'):
        raise LossError(
            f'{loss} is a mean over the batch, which avg_factor={avg_factor} and '
            f'reduction_override={reduction_override!r} are not: leave them out, and set `thresh` of an '
            'OHEMPixelSampler.'
        )


def checked_target(loss: str, pred: Tensor, target: Tensor, size: tuple[int, ...] | None = None) -> Tensor:
    """The class indices of a batch as int64, if they fit the logits.

    Args:
        loss: The name of the loss.
        pred: Logits (N, C, H, W).
        target: Class indices (N, H, W) of any integer type.
        size: H and W of the target, if not those of the logits.

    Raises:
        LossError: If the shapes do not fit, the network has one output, or the labels are no integers.
    """
    check_pixels(pred, 'target', target, size)
    if pred.shape[1] == 1:
        raise LossError(
            f'{loss} is a softmax over the classes, and the logits {tuple(pred.shape)} have one channel: give each '
            'class its own output (no out_channels=1; the background is a class, too).'
        )
    if target.is_floating_point():
        raise LossError(f'Labels of type {target.dtype}: {loss} needs class indices, integers.')
    return target.long()


def check_pixels(pred: Tensor, name: str, values: Tensor, size: tuple[int, ...] | None = None) -> None:
    """See that there is one value for each pixel; arguments and errors as :func:`checked_target`."""
    if pred.dim() != 4 or values.shape != (len(pred), *(size or pred.shape[2:])):
        raise LossError(
            f'{name} of shape {tuple(values.shape)} does not fit logits of shape '
            f'{tuple(pred.shape)}: expected (N, H, W) and (N, C, H, W).'
        )
