"""Writing a resolved config as a Python file that reads back as the same."""

import ast
from collections.abc import Mapping
from pprint import pformat
from typing import Any

from mmseg_custom.config import ConfigError
from mmseg_custom.io.files import PathLike, write_bytes

WIDTH = 118


def write_config(cfg: Mapping[str, Any], path: PathLike, head: str) -> None:
    """Write a config, one assignment a key, atomically.

    Args:
        cfg: Plain data; classes, as configs in MMEngine's new style have them, become their dotted names.
        path: The file.
        head: What its first line, a comment, says.

    Raises:
        ConfigError: If a value cannot be written, naming it.
    """
    lines = [f'# {head}']
    for key, value in cfg.items():
        text = pformat(_plain(value, key), width=WIDTH, sort_dicts=False)
        lines.append(f'{key} = {text}')
    write_bytes(('\n'.join(lines) + '\n').encode(), path)


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(entry, f'{where}.{key}') for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(entry, f'{where}[{number}]') for number, entry in enumerate(value))
    if isinstance(value, type) or (callable(value) and hasattr(value, '__qualname__')):
        return f'{value.__module__}.{value.__qualname__}'
    try:
        ast.literal_eval(repr(value))
    except (ValueError, SyntaxError):
        raise ConfigError(
            f'{where}={value!r} cannot be written into a config file: give plain data, and registered names.'
        ) from None
    return value
