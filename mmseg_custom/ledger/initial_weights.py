"""Weights that come into a model by other ways than ``load_from``, and which images they have seen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import nn

from mmseg_custom.io.checkpoints.checkpoint_file import (
    CheckpointError,
    hash_weights,
    load_checkpoint_file,
    weights_of,
)
from mmseg_custom.ledger.lineage import PRETRAINED, UNKNOWN, Lineage, lineage_of, merge_lineages

SEGMENTOR = 'decode_head.'


def initial_lineage(model: nn.Module, cfg: Config) -> Lineage:
    """The lineage of a model that was initialised and has not been trained, with the files its weights come from.

    A file with a lineage of its own hands it on. Weights of a whole segmentor without one have seen unknown images.
    A pretrained backbone (ImageNet as a rule) stands in the lineage with its source and marks no score: it was
    trained for another task, on images that data sets of segmentation rarely take.

    Args:
        model: The model; its modules' ``init_cfg`` name the files.
        cfg: The run's config, whose ``pretrained=True`` are named too.
    """
    modules = getattr(model, 'module', model).named_modules()
    found = [_lineage(source, part) for part, module in modules for source in _checkpoints(module)]
    named = [{'parents': [], 'seen': [{'split': PRETRAINED, 'source': name}]} for name in _named_in(cfg.model)]
    return merge_lineages([*found, *named])


def _checkpoints(module: nn.Module) -> Iterator[str]:
    """The files in ``init_cfg`` of a module."""
    configs = getattr(module, 'init_cfg', None)
    for config in configs if isinstance(configs, list | tuple) else [configs]:
        if isinstance(config, dict) and config.get('checkpoint'):
            yield str(config['checkpoint'])


def _named_in(value: Any) -> Iterator[str]:
    """The types of all parts of a config that say ``pretrained=True``."""
    for entry in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from _named_in(entry)
    if isinstance(value, dict) and value.get('pretrained') is True:
        yield str(value.get('type'))


def _lineage(source: str, part: str) -> Lineage:
    """What a file that initialises a part of the model (``''``: all of it) says about its images."""
    parent = {'file': source, 'weights': '', 'part': part or 'model'}
    unknown = not part
    try:
        checkpoint = load_checkpoint_file(source, mmap=True) if Path(source).is_file() else {}
        weights = weights_of(checkpoint, source) if checkpoint else {}
    except CheckpointError:  # The initialiser has its own say about the file.
        checkpoint, weights = {}, {}
    if weights:
        parent['weights'] = hash_weights(weights)
        unknown = unknown or any(key.startswith(SEGMENTOR) for key in weights)
    meta = checkpoint.get('meta') if 'state_dict' in checkpoint else None
    if meta and 'lineage' in meta:
        return {**lineage_of(meta), 'parents': [parent]}
    return {'parents': [parent], 'seen': [UNKNOWN if unknown else {'split': PRETRAINED, 'source': source}]}
