"""What can be known of a segmentor's heads before the first step."""

from collections.abc import Iterator
from typing import Any

from torch import nn

from mmseg_custom.errors import UserError
from mmseg_custom.models.losses import SegmentationLoss


class HeadError(UserError, ValueError):
    """A head whose training would fail or mean nothing; the message names the setting and the way out."""


def check_heads(model: nn.Module) -> None:
    """See that the outputs of a segmentor can mean its classes, and that its losses have a weight an output.

    Args:
        model: A segmentor; one without MMSegmentation's ``decode_head`` passes.

    Raises:
        HeadError: Naming the head.
    """
    for name, head in _named_heads(model, 'decode_head'):
        _check_outputs(name, head)
    for place in ('decode_head', 'auxiliary_head'):
        for name, head in _named_heads(model, place):
            _check_class_weights(name, head)


def _named_heads(model: nn.Module, place: str) -> Iterator[tuple[str, Any]]:
    heads = getattr(model, place, None)
    if isinstance(heads, nn.ModuleList):
        yield from ((f'{place}[{number}]', head) for number, head in enumerate(heads))
    elif heads is not None:
        yield place, heads


def _check_outputs(name: str, head: nn.Module) -> None:
    if getattr(head, 'num_classes', None) == 1:
        raise HeadError(
            f'model.{name}.num_classes=1: what is no object is a class, too. Set num_classes=2 and name both, '
            "metainfo=dict(classes=('background', 'object'))."
        )
    if getattr(head, 'out_channels', None) == 1:
        _check_one_output(name, head)


def _check_one_output(name: str, head: nn.Module) -> None:
    """Two classes by one output: MMSegmentation trains what has a loss under a sigmoid, and scores no cascade."""
    if '[' in name:
        raise HeadError(
            f'model.{name}.out_channels=1: MMSegmentation cannot predict with one output in a cascade. Leave it out, '
            'with losses over the classes; two outputs under a softmax are the same model.'
        )
    for loss in _losses(head):
        if isinstance(loss, SegmentationLoss) or getattr(loss, 'use_sigmoid', True) is False:
            raise HeadError(
                f'model.{name}.out_channels=1: {type(loss).__name__} is a loss over two outputs. Take one under a '
                "sigmoid, loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True), or leave out_channels out."
            )
    if not 0 < head.threshold < 1:
        raise HeadError(f'model.{name}.threshold={head.threshold}: use a probability above 0 and below 1.')


def _check_class_weights(name: str, head: nn.Module) -> None:
    channels, masks = getattr(head, 'out_channels', None), hasattr(head, 'match_masks')
    for loss in _losses(head):
        weights = getattr(loss, 'class_weight', None)
        if weights is not None and channels is not None and len(weights) != channels + masks:
            raise HeadError(
                f'model.{name}: class_weight of {type(loss).__name__} has {len(weights)} entries, but the head has '
                f'{channels} classes: give one weight a class{" and, as the last, one for no object" * masks}.'
            )


def _losses(head: nn.Module) -> list[Any]:
    losses = getattr(head, 'loss_decode', None)
    return list(losses) if isinstance(losses, nn.ModuleList) else [losses]
