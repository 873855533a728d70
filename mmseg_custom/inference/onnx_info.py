"""What an ONNX file of ours says about itself."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mmengine.config import Config

from mmseg_custom.config import ConfigError
from mmseg_custom.datasets.class_colours import MAX_CLASSES
from mmseg_custom.inference.errors import InputError
from mmseg_custom.inference.labels import Labels
from mmseg_custom.inference.preparation import image_steps

OUTPUTS = ('logits', 'ids')
RESIZE_KEYS = frozenset({'type', 'scale', 'keep_ratio', 'interpolation'})
INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic', 'area', 'lanczos')
# No image has a longer side; an ONNX file of others must not have a gigabyte allocated for what it asks.
MAX_SIDE = 1 << 15


class ResizeRule(NamedTuple):
    """MMSegmentation's ``Resize``: width and height, ``None`` for none, and how."""

    scale: tuple[int, int] | None = None
    keep_ratio: bool = False
    interpolation: str = 'bilinear'

    def steps(self) -> list[dict]:
        """The transforms that prepare an image so."""
        resize = [{'type': 'Resize', **self._asdict()}] if self.scale else []
        return [*resize, {'type': 'PackSegInputs'}]


class OnnxInfo(NamedTuple):
    """The metadata of a file; every entry is JSON under its name.

    Attributes:
        classes: Names by train id.
        palette: Colours by train id, RGB.
        file_ids: Ids of the label files by train id, or ``None``.
        mean: Of the normalisation inside the graph, RGB, 0 to 255; ``None`` for none.
        std: As ``mean``.
        resize: How an image comes to the size that the network was trained at, before the graph.
        output: ``'logits'`` or ``'ids'``.
        weights: Checksum of the weights.
        version: Of this project.
        input: What the graph takes.
    """

    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    file_ids: tuple[int, ...] | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    resize: ResizeRule
    output: str
    weights: str
    version: str
    input: str = 'image: float32, N x 3 x H x W, RGB, 0 to 255'

    @property
    def labels(self) -> Labels:
        """The classes."""
        return Labels(self.classes, self.palette, self.file_ids)

    def to_metadata(self) -> dict[str, str]:
        """The entries as ONNX keeps them, text by name."""
        entries = {**self._asdict(), 'resize': self.resize._asdict()}
        return {key: json.dumps(value, ensure_ascii=False) for key, value in entries.items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], source: str) -> 'OnnxInfo':
        """Read what :meth:`to_metadata` wrote; nothing in it names code.

        Raises:
            InputError: If an entry is missing or has a value that cannot be, naming ``source``.
        """
        try:
            entries = {key: _tuples(json.loads(metadata[key])) for key in cls._fields}
            info = cls(**{**entries, 'resize': ResizeRule(**entries['resize'])})
            _check(info)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f'{source} has no metadata of tools/export.py, or wrong one ({error}).') from error
        return info


def resize_rule(cfg: Config) -> ResizeRule:
    """How a config's test pipeline resizes.

    Raises:
        ConfigError: If it does anything else that a reader of the file could not repeat.
    """
    steps = [step for step in image_steps(cfg) if step['type'] != 'PackSegInputs']
    if not steps:
        return ResizeRule()
    if len(steps) > 1 or steps[0]['type'] != 'Resize' or not set(steps[0]) <= RESIZE_KEYS:
        raise ConfigError(f'{cfg.filename}: test_pipeline does {steps}; only one Resize to a scale can be exported.')
    step = {key: value for key, value in steps[0].items() if key != 'type'}
    return ResizeRule(**{**step, 'scale': tuple(step['scale'])})


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(entry) for key, entry in value.items()}
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value


def _check(info: OnnxInfo) -> None:
    number, rule = len(info.classes), info.resize
    sound = {
        'classes': 0 < number <= MAX_CLASSES and _all(info.classes, lambda name: isinstance(name, str)),
        'palette': len(info.palette) == number and _all(info.palette, lambda colour: len(_bytes(colour)) == 3),
        'file_ids': info.file_ids is None or len(_bytes(info.file_ids)) == number,
        'scale': rule.scale is None or (len(rule.scale) == 2 and _all(rule.scale, _is_side)),
        'keep_ratio': isinstance(rule.keep_ratio, bool),
        'interpolation': rule.interpolation in INTERPOLATIONS,
        'output': info.output in OUTPUTS,
    }
    wrong = [key for key, fine in sound.items() if not fine]
    if wrong:
        raise ValueError(f'unusable: {", ".join(wrong)}')


def _all(values: Any, test: Callable[[Any], bool]) -> bool:
    return isinstance(values, tuple) and all(map(test, values))


def _bytes(values: Any) -> tuple[int, ...]:
    """The values, or none of them if one is no integer of 0 to 255."""
    return values if _all(values, lambda value: type(value) is int and 0 <= value <= 255) else ()


def _is_side(value: Any) -> bool:
    return type(value) is int and 0 < value <= MAX_SIDE
