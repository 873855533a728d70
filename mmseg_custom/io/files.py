"""Writing files so that a reader sees the old one or the new one, never half of one."""

import csv
import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from mmseg_custom.errors import UserError
from mmseg_custom.io.processes import PROCESS_NAME, is_named_alive, process_name, this_process

PathLike = str | Path

NOT_WRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
TEMPORARY = re.compile(rf'\..+\.{PROCESS_NAME}\.tmp')
# Written by an earlier version: the name of a host does not say whose number that is.
EARLIER_TEMPORARY = re.compile(r'\..+\.\d+@.+\.tmp')
# Of a temporary file whose writer cannot be seen from here: no single file takes an hour to write.
LEFT_SECONDS = 3600.0
# More than a file system keeps inside an inode or a metadata block: it must find space for it.
PROBE = bytes(1 << 20)


class WriteError(UserError, OSError):
    """A file that there is no disk space or no permission for; the file that was there before is untouched."""


class JsonError(UserError, ValueError):
    """A file that is no valid JSON, or damaged; the message names it."""


@contextmanager
def atomic_path(path: PathLike, synced: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place when the block ends well.

    When the block raises, the old file stays and the temporary one is removed.

    Args:
        path: Of the file.
        synced: Whether the content is on the disk (fsync) before the rename. Without it a power failure can leave an
            empty file: for what is one of thousands, and made anew or known by its checksum. Defaults to ``True``.

    Raises:
        WriteError: If there is no disk space, or the folder cannot be written to.
    """
    path = Path(path)
    temporary = temporary_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        yield temporary
        if synced:
            _sync(temporary)
        temporary.replace(path)
        if synced:
            _sync(path.parent)
    except (OSError, RuntimeError) as error:
        reason = error if isinstance(error, OSError) else _probe(temporary)
        if reason is None or not _stops_writing(reason, path, temporary):
            raise
        raise WriteError(explain_write_error(path, temporary, reason)) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def temporary_path(path: Path) -> Path:
    """Where this process writes what is to be at ``path``; the name says whose file it is."""
    return path.with_name(f'.{path.name}.{process_name(this_process())}.tmp')


def remove_leftovers(folder: PathLike) -> list[Path]:
    """Delete the temporary files of processes that died while writing, and name them.

    Those of a process that cannot be seen from here, on another host or in another container, go once nothing was
    written to them for an hour.
    """
    left = []
    for path in Path(folder).glob('.*.tmp'):
        with suppress(OSError):  # Gone by now, or in a folder that only others may write to.
            if _is_leftover(path):
                path.unlink()
                left.append(path)
    return left


def seconds_since_written(path: Path) -> float:
    """The age of a file by the clock of its own file system, which on a network is not that of this machine.

    Raises:
        FileNotFoundError: If it is gone.
    """
    written = path.stat().st_mtime
    now = temporary_path(path.with_name(f'clock_{uuid4().hex}'))
    try:
        now.touch()
        return now.stat().st_mtime - written
    finally:
        now.unlink(missing_ok=True)


def free_bytes(path: PathLike) -> int:
    """The free space on the file system that ``path``, which need not exist yet, lies on."""
    return shutil.disk_usage(existing_folder(path)).free


def existing_folder(path: PathLike) -> Path:
    """``path``, or the nearest folder above it that exists."""
    path = Path(path).absolute()
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def readable_size(size: float) -> str:
    """A number of bytes for people: ``3.2 GB``."""
    for unit in ('B', 'kB', 'MB', 'GB'):
        if size < 1000:
            return f'{size:.0f} B' if unit == 'B' else f'{size:.1f} {unit}'
        size /= 1000
    return f'{size:.1f} TB'


def readable_path(path: PathLike) -> str:
    """A path for people: from the working folder where it lies in it, else whole."""
    path, here = Path(path).absolute(), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def write_bytes(content: bytes, path: PathLike, synced: bool = True) -> None:
    """Write ``content`` to ``path`` atomically, as :func:`atomic_path`."""
    with atomic_path(path, synced) as temporary:
        temporary.write_bytes(content)


def write_json(value: Any, path: PathLike, synced: bool = True) -> None:
    """Write ``value`` as readable JSON to ``path`` atomically, as :func:`atomic_path`."""
    write_bytes((json.dumps(value, indent=1, ensure_ascii=False) + '\n').encode(), path, synced)


def write_csv(header: Sequence[str], rows: Iterable[Iterable[Any]], path: PathLike) -> None:
    """Write a table atomically, a row after the other; ``None`` is an empty cell."""
    with atomic_path(path) as temporary, temporary.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(header)
        writer.writerows(rows)


def read_json(path: PathLike) -> Any:
    """Read a JSON file.

    Raises:
        JsonError: If the file is not valid JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding='utf-8'))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise JsonError(
            f'{path} is not valid JSON ({error}): mend it or restore it. What this project wrote itself is made anew '
            'once the file is moved away.'
        ) from error


def place_copy(source: PathLike, target: PathLike) -> None:
    """Put ``source`` at ``target`` atomically, as a hard link where the file system allows, else as a copy."""
    with atomic_path(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def place_new(source: Path, target: Path) -> None:
    """Put ``source`` at ``target``, where there must be nothing, in one step: nobody finds half of it.

    Two steps where the file system has no hard links.

    Raises:
        FileExistsError: If there is something.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        content, file = source.read_bytes(), target.open('xb')
        try:
            with file:
                file.write(content)
        except OSError:
            target.unlink(missing_ok=True)
            raise


def move_to_archive(files: Iterable[Path], folder: PathLike) -> Path | None:
    """Move those of ``files`` that exist, in order, into a new folder ``archive_<time>`` in ``folder``; return it."""
    files = [path for path in files if path.exists()]
    if not files:
        return None
    archive = Path(folder) / datetime.now().strftime('archive_%Y%m%d_%H%M%S_%f')
    archive.mkdir()
    for path in files:
        path.rename(archive / path.name)
    return archive


def hash_text(text: str) -> str:
    """The SHA-256 of a text as hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _is_leftover(path: Path) -> bool:
    name = TEMPORARY.fullmatch(path.name)
    alive = is_named_alive(name) if name else None
    if alive is None and (name or EARLIER_TEMPORARY.fullmatch(path.name)):
        return seconds_since_written(path) > LEFT_SECONDS
    return alive is False


def _stops_writing(reason: OSError, path: Path, temporary: Path) -> bool:
    own = {str(path), str(temporary), *map(str, path.parents)}
    return reason.errno in NOT_WRITABLE and (reason.filename is None or str(reason.filename) in own)


def _probe(path: Path) -> OSError | None:
    """Why nothing can be written behind what is there; a library may have kept that to itself."""
    if path.is_file() and path.stat().st_nlink > 1:
        return None
    try:
        with path.open('ab') as file:
            file.write(PROBE)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    return None


def explain_write_error(path: Path, temporary: Path, reason: OSError) -> str:
    """The message for a file that could not be written, or not to the end of its ``temporary`` form."""
    written = readable_size(temporary.stat().st_size) if temporary.is_file() else 'nothing'
    return (
        f'{path} could not be written: {reason.strerror or reason} (written so far: {written}; free there: '
        f'{readable_size(free_bytes(path.parent))}). What was there before is untouched. Free space, allow writing '
        'or use another folder, then go on with the same command.'
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
