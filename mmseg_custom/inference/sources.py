"""Which files a prediction reads, and under which names its results are kept."""

import glob
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mmseg_custom.inference.errors import InputError
from mmseg_custom.io.files import PathLike

IMAGE_SUFFIXES = frozenset({'.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp'})
VIDEO_SUFFIXES = frozenset({'.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg'})


class Source(NamedTuple):
    """A file to read.

    Attributes:
        path: Where it is.
        name: Where its results go: a relative path without ``..`` and suffix, unique without regard to case.
    """

    path: Path
    name: str

    @property
    def is_video(self) -> bool:
        """Whether the file is a video, by its suffix."""
        return self.path.suffix.lower() in VIDEO_SUFFIXES


def find_sources(inputs: Sequence[str], skip: PathLike | None = None) -> list[Source]:
    """Find the files that inputs stand for.

    Args:
        inputs: Files, folders (searched recursively), glob patterns (``**`` is any depth), and ``.txt`` files with
            a path a line.
        skip: A folder whose files are no inputs, as the one that results are written into.

    Returns:
        One source a file, in the order of ``inputs``, those of a folder or pattern sorted. A file that is not
        there is found out when it is read.

    Raises:
        InputError: If an input stands for no file.
    """
    skipped = Path(skip).resolve() if skip is not None else None
    taken: set[str] = set()
    sources: list[Source] = []
    for text in inputs:
        found = [pair for pair in _expand(text) if skipped not in (pair[0].resolve().parents if skipped else ())]
        if not found:
            raise InputError(f'{text} stands for no image or video: check the path, or the pattern in quotes.')
        sources.extend(Source(path, _unique_name(path, root, taken)) for path, root in found)
    return sources


def _expand(text: str) -> Iterator[tuple[Path, Path]]:
    """The files of an input, each with the folder its name is relative to."""
    path = Path(text)
    if path.is_dir():
        yield from ((file, path) for file in _readable(path.rglob('*')))
    elif not path.exists() and glob.has_magic(text):
        root = next(parent for parent in path.parents if not glob.has_magic(str(parent)))
        yield from ((file, root) for file in _readable(root.glob(str(path.relative_to(root)))))
    elif path.suffix.lower() == '.txt' and path.is_file():
        lines = [Path(line.strip()) for line in path.read_text(encoding='utf-8').splitlines() if line.strip()]
        yield from ((file, file.parent) for file in lines)
    else:
        yield path, path.parent


def _readable(paths: Iterable[Path]) -> list[Path]:
    known = IMAGE_SUFFIXES | VIDEO_SUFFIXES
    return sorted(path for path in paths if path.suffix.lower() in known and path.is_file())


def _unique_name(path: Path, root: Path, taken: set[str]) -> str:
    """A name below the output folder; equal ones are told apart by a number."""
    relative = path.relative_to(root)
    parts = [part for part in relative.parent.parts if part not in ('..', relative.anchor)]
    number, name = 1, '/'.join([*parts, path.stem])
    while name.casefold() in taken:
        number += 1
        name = '/'.join([*parts, f'{path.stem}_{number}'])
    taken.add(name.casefold())
    return name
