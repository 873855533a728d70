"""Scoring models outside of a running loop: candidates, folds and later every experiment."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from mmengine.evaluator import Evaluator
from torch import nn

from mmseg_custom.evaluation.merged_tta_model import merge_samples
from mmseg_custom.evaluation.quick_argmax import predict_batch
from mmseg_custom.models.one_output import threshold_of

ENSEMBLE = 'ensemble'


@torch.no_grad()
def score(
    models: Mapping[str, nn.Module],
    dataloader: Iterable,
    evaluators: Mapping[str, Evaluator],
    ensemble: Sequence[str] = (),
    on_batch: Callable[[dict], None] | None = None,
) -> dict[str, dict[str, float]]:
    """The metrics of models in one pass over the images: for each the same numbers as MMEngine's test loop.

    Args:
        models: Segmentors by name; left in evaluation mode.
        dataloader: Its data set must have ``metainfo``.
        evaluators: MMSegmentation's evaluator of each model, and one named ``'ensemble'`` if there is one.
        ensemble: Models whose mean probabilities are scored too; their predictions of one batch are in
            memory together. Defaults to none.
        on_batch: Called with each batch. Defaults to ``None``.
    """
    for model in models.values():
        model.eval()
    for evaluator in evaluators.values():
        evaluator.dataset_meta = dataloader.dataset.metainfo
    for batch in dataloader:
        if on_batch is not None:
            on_batch(batch)
        kept = {}
        for name, model in models.items():
            samples = predict_batch(model, batch)
            evaluators[name].process(data_samples=samples, data_batch=batch)
            if name in ensemble:
                kept[name] = samples
        if ensemble:
            threshold = threshold_of(models[ensemble[0]])
            each = zip(*(kept[name] for name in ensemble), strict=True)
            merged = [merge_samples(samples, threshold) for samples in each]
            evaluators[ENSEMBLE].process(data_samples=merged, data_batch=batch)
    return {name: evaluator.evaluate(len(dataloader.dataset)) for name, evaluator in evaluators.items()}
