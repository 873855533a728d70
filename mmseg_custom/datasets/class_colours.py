"""Class names and colours of a data set, checked before anything is trained."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmseg.registry import DATASETS

from mmseg_custom.errors import UserError

# Labels are uint8, and 255 is what they ignore.
MAX_CLASSES = 255

Palette = list[list[int]]


class MetainfoError(UserError, ValueError):
    """Class names or colours that cannot be; the message names them."""


def classes_of(dataset: Mapping[str, Any]) -> tuple[str, ...]:
    """The class names of a data set's settings: those of its ``metainfo``, else of its class.

    Raises:
        MetainfoError: If there are none, or they are no names that differ.
    """
    return check_classes(metainfo_of(dataset).get('classes'))


def metainfo_of(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """What the settings of a data set say of its classes, above what its class says."""
    return {**getattr(DATASETS.get(dataset['type']), 'METAINFO', {}), **(dataset.get('metainfo') or {})}


def check_classes(classes: object) -> tuple[str, ...]:
    """Class names as a tuple.

    Raises:
        MetainfoError: If they are not 1 to 255 texts that differ.
    """
    example = "give the data set metainfo=dict(classes=('road', 'sky'))"
    if not isinstance(classes, list | tuple) or not all(isinstance(name, str) for name in classes):
        raise MetainfoError(f'metainfo.classes={classes!r} is no list of names: {example}.')
    if not 0 < len(classes) <= MAX_CLASSES:
        raise MetainfoError(f'metainfo.classes has {len(classes)} names; 1 to {MAX_CLASSES} can be: {example}.')
    twice = [name for name, count in Counter(classes).items() if count > 1]
    if twice:
        raise MetainfoError(f'metainfo.classes names {twice[0]!r} more than once: every class needs its own name.')
    return tuple(classes)


def check_palette(classes: Sequence[str], palette: object) -> Palette:
    """One colour a class: those given, or :func:`default_palette` if there are none.

    Raises:
        MetainfoError: If their number is not that of the classes, or one is not three whole numbers of 0 to 255.
    """
    if palette is None or (isinstance(palette, list | tuple) and not palette):
        return default_palette(len(classes))
    if isinstance(palette, np.ndarray):
        palette = palette.tolist()
    if not isinstance(palette, list | tuple):
        raise MetainfoError(f'metainfo.palette={palette!r} is no list of colours, or leave it out.')
    if len(palette) != len(classes):
        raise MetainfoError(
            f'{len(classes)} classes and {len(palette)} colours in the metainfo of the data set; give one colour a '
            'class, or no palette at all.'
        )
    for name, colour in zip(classes, palette, strict=True):
        if not _is_colour(colour):
            raise MetainfoError(
                f'metainfo.palette has {colour!r} for {name!r}: a colour is [red, green, blue], each a whole number '
                'of 0 to 255.'
            )
    return [[int(value) for value in colour] for colour in palette]


def default_palette(num_classes: int) -> Palette:
    """The colours that MMSegmentation gives a data set without a palette: random, the same every time."""
    return np.random.RandomState(42).randint(0, 255, size=(num_classes, 3)).tolist()


def _is_colour(colour: object) -> bool:
    if isinstance(colour, np.ndarray):
        colour = colour.tolist()
    return (
        isinstance(colour, list | tuple)
        and len(colour) == 3
        and all(isinstance(value, int | np.integer) and 0 <= value <= 255 for value in colour)
    )
