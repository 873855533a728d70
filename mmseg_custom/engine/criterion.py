"""The validation value of a model's own training loss."""

from collections.abc import Callable

from mmengine.evaluator import Evaluator
from torch import Tensor, nn

Criterion = Callable[[Tensor, Tensor], Tensor]


def criterion_of(model: nn.Module) -> Criterion:
    """The training loss of a segmentor's decode head, as a function of logits (N, C, H, W) and label (N, H, W)."""
    head = getattr(model, 'module', model).decode_head
    losses = head.loss_decode if isinstance(head.loss_decode, nn.ModuleList) else [head.loss_decode]

    def criterion(logits: Tensor, label: Tensor) -> Tensor:
        return sum(loss(logits, label, ignore_index=head.ignore_index) for loss in losses)

    return criterion


def attach_criterion(evaluator: Evaluator, model: nn.Module) -> None:
    """Let metrics that have a ``criterion`` report the validation value of ``model``'s own loss."""
    for metric in evaluator.metrics:
        if hasattr(metric, 'criterion'):
            metric.criterion = criterion_of(model)
