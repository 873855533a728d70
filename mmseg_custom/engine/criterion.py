"""The validation value of a model's own training loss."""

from collections.abc import Callable

from mmengine.evaluator import Evaluator
from torch import Tensor, nn

from mmseg_custom.models.decode_heads import takes_one_map

Criterion = Callable[[Tensor, Tensor], Tensor]


def criterion_of(model: nn.Module) -> Criterion | None:
    """The training loss of a segmentor's decode head, as a function of logits (N, C, H, W) and label (N, H, W).

    ``None`` where the loss is no function of these: heads that compute it in their own way (KNet, PIDNet, ...), with
    one sigmoid output, or several in a cascade.
    """
    head = getattr(getattr(model, 'module', model), 'decode_head', None)
    if not takes_one_map(type(head)) or head.out_channels == 1:
        return None
    losses = head.loss_decode if isinstance(head.loss_decode, nn.ModuleList) else [head.loss_decode]

    def criterion(logits: Tensor, label: Tensor) -> Tensor:
        return sum(loss(logits, label, ignore_index=head.ignore_index) for loss in losses)

    return criterion


def attach_criterion(evaluator: Evaluator, model: nn.Module) -> None:
    """Let metrics that have a ``criterion`` report the validation value of ``model``'s own loss."""
    for metric in evaluator.metrics:
        if hasattr(metric, 'criterion'):
            metric.criterion = criterion_of(model)
