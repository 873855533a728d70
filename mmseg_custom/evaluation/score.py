"""Scoring a model outside of a running loop: candidates, folds and later every experiment."""

from collections.abc import Callable, Iterable

import torch
from mmengine.evaluator import Evaluator
from torch import nn


@torch.no_grad()
def score(
    model: nn.Module,
    dataloader: Iterable,
    evaluator: Evaluator,
    on_batch: Callable[[dict], None] | None = None,
) -> dict[str, float]:
    """The metrics of ``model`` on a data loader: the same numbers as the host's test loop.

    Args:
        model: A segmentor; left in evaluation mode.
        dataloader: Its data set must have ``metainfo``.
        evaluator: The host's evaluator.
        on_batch: Called with each batch. Defaults to ``None``.
    """
    model.eval()
    evaluator.dataset_meta = dataloader.dataset.metainfo
    for batch in dataloader:
        if on_batch is not None:
            on_batch(batch)
        evaluator.process(data_samples=model.test_step(batch), data_batch=batch)
    return evaluator.evaluate(len(dataloader.dataset))
