"""Files of class weights in the config of a model: a config may name one, a loss takes numbers."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.datasets.class_colours import MetainfoError, classes_of
from mmseg_custom.io.files import read_json


def with_class_weights(settings: Any) -> Any:
    """The config of a model with the weights in the place of the files that ``prepare_data.py`` wrote of them.

    Args:
        settings: Any part of a config; it stays as it is. A file that is not there, or of another kind, is left to
            the loss, which takes it (MMSegmentation's have kinds of their own) or refuses it.
    """
    if isinstance(settings, dict):
        return type(settings)({key: _numbers(key, value) for key, value in settings.items()})
    if isinstance(settings, list | tuple):
        return type(settings)(with_class_weights(value) for value in settings)
    return settings


def _numbers(key: str, value: Any) -> Any:
    if key == 'class_weight' and isinstance(value, str):
        return _content(value).get('weights', value)
    return with_class_weights(value)


def _content(file: str) -> dict[str, Any]:
    """What a file of class weights holds; nothing if it is none."""
    content = read_json(file) if file.endswith('.json') and Path(file).is_file() else {}
    return content if isinstance(content, dict) else {}


def check_weight_files(cfg: Config) -> None:
    """See that files of class weights in the model of a config are those of its classes, in their order.

    Raises:
        MetainfoError: If one is of other classes.
    """
    classes = list(classes_of(cfg.train_dataloader.dataset))
    for file in _weight_files(cfg.get('model')):
        known = _content(file).get('classes')
        if known and known != classes:
            differing = next((pair for pair in zip(known, classes, strict=False) if pair[0] != pair[1]), None)
            where = '{!r} is {!r} here'.format(*differing) if differing else f'{len(known)} against {len(classes)}'
            raise MetainfoError(
                f'class_weight={file!r} was counted for other classes ({where}): count anew with '
                '`python tools/prepare_data.py CONFIG --class-weights`.'
            )


def _weight_files(settings: Any) -> Iterator[str]:
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            if key == 'class_weight' and isinstance(value, str):
                yield value
            yield from _weight_files(value)
    elif isinstance(settings, list | tuple):
        for value in settings:
            yield from _weight_files(value)
