"""JSON files that hold a checksum of what they say: a flipped bit is an error, never another number."""

import json
from typing import Any

from mmseg_custom.io.files import JsonError, PathLike, hash_text, read_json, write_json

CHECKSUM = 'checksum'


def write_record(content: dict[str, Any], path: PathLike) -> None:
    """Write ``content`` and its checksum to ``path`` atomically."""
    write_json({**content, CHECKSUM: hash_text(json.dumps(content))}, path)


def read_record(path: PathLike) -> dict[str, Any]:
    """Read what :func:`write_record` wrote; a file without a checksum, of an earlier version, is read as it is.

    Raises:
        JsonError: If the file is not valid JSON, or its content is not that of its checksum.
    """
    return check_record(read_json(path), path)


def check_record(content: Any, path: PathLike) -> dict[str, Any]:
    """The content of a record that was read from ``path``, without its checksum.

    Raises:
        JsonError: If the content is not that of its checksum.
    """
    checksum = content.pop(CHECKSUM, None) if isinstance(content, dict) else ''
    if checksum not in (None, hash_text(json.dumps(content))):
        raise JsonError(
            f'{path} is damaged: its content is not that of its checksum. Restore it, or move it away: what it '
            f'records is then made anew. If you changed it by hand, remove its entry {CHECKSUM!r}.'
        )
    record: dict[str, Any] = content
    return record
