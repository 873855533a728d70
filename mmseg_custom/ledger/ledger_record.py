"""The records of a ledger: with a checksum and the version of what they say."""

from typing import Any

from mmseg_custom.errors import StageError
from mmseg_custom.io.files import PathLike
from mmseg_custom.io.records import read_record, write_record

LEDGER_VERSION = 2  # Raised whenever a record's keys change; there is no reading of other versions.
VERSION = 'version'


def write_ledger_record(content: dict[str, Any], path: PathLike) -> None:
    """Write ``content``, its version and its checksum to ``path`` atomically."""
    write_record({VERSION: LEDGER_VERSION, **content}, path)


def read_ledger_record(path: PathLike) -> dict[str, Any]:
    """Read what :func:`write_ledger_record` wrote.

    Raises:
        StageError: If another version of the project wrote it.
        JsonError: If the file is damaged.
    """
    record = read_record(path)
    version = record.get(VERSION, 0)
    if version != LEDGER_VERSION:
        raise StageError(
            f'{path} has version {version}, this project reads version {LEDGER_VERSION}: use the version of the '
            'project that wrote it, or another stage_dir and work_dir. Its checkpoints can still be loaded.'
        )
    return record
