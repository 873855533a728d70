"""Whether network, data and checkpoint speak of the same classes."""

from typing import Any

from torch import nn

from mmseg_custom.errors import StageError


def check_num_classes(model: nn.Module, dataset: Any) -> None:
    """Compare the number of classes of a segmentor with those of its data set.

    Raises:
        StageError: If they differ.
    """
    head = getattr(getattr(model, 'module', model), 'decode_head', None)
    head = head[-1] if isinstance(head, nn.ModuleList) else head
    expected, classes = getattr(head, 'num_classes', None), dataset.metainfo.get('classes')
    if None not in (expected, classes) and len(classes) != expected:
        raise StageError(
            f'model.decode_head.num_classes={expected}, but the data set has {len(classes)} classes '
            f'({", ".join(classes[:3])}, ...): set num_classes={len(classes)}.'
        )


def check_class_names(meta: dict, dataset: Any, source: str) -> None:
    """Compare the classes a checkpoint was trained for with those of a data set, by name and order.

    Args:
        meta: ``meta`` of the checkpoint; one that names no classes passes.
        dataset: The data set to train on.
        source: The checkpoint's file.

    Raises:
        StageError: If they differ, naming the first difference.
    """
    known, classes = (
        list((meta.get('dataset_meta') or {}).get('classes', [])),
        list(dataset.metainfo.get('classes') or []),
    )
    if not known or not classes or known == classes:
        return
    number = next((i for i, pair in enumerate(zip(known, classes, strict=False)) if pair[0] != pair[1]), len(known))
    raise StageError(
        f'{source} was trained for {len(known)} classes, the data set has {len(classes)}; the first difference is '
        f'number {number}: {known[number : number + 1]} against {classes[number : number + 1]}. Give both the same '
        'classes in the same order, or start from other weights.'
    )
