"""One name for each image file of any data sets: its path below their image folders, without the suffix."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from mmseg_custom.datasets.sample_files import is_elsewhere, without_suffix


def name_images(leaves: Sequence[Any], paths: Sequence[Sequence[str]]) -> list[list[str]]:
    """The names of the images of some data sets.

    One file has one name, however many samples are made of it; it is the same where the data lie somewhere else.
    Of several data sets the path starts at the folder that their image folders have in common. Files that differ
    by their suffix alone keep it.

    Args:
        leaves: Built data sets; ``data_prefix['img_path']`` and ``img_suffix`` are used where they fit.
        paths: The image files of each, one a sample.
    """
    files = [[file_key(path) for path in of_leaf] for of_leaf in paths]
    folders = [_image_folder(leaf, of_leaf) for leaf, of_leaf in zip(leaves, files, strict=True) if of_leaf]
    start = len(_common(folders))
    suffixes = [_suffixes(leaf) for leaf in leaves]
    named: dict[str, str] = {}
    for of_leaf, known in zip(files, suffixes, strict=True):
        for file in of_leaf:
            named.setdefault(file, _shorten('/'.join(file.split('/')[start:]), known))
    times = Counter(named.values())
    for file, name in named.items():
        if times[name] > 1:
            named[file] = '/'.join(file.split('/')[start:])
    return [[named[file] for file in of_leaf] for of_leaf in files]


def file_key(path: str) -> str:
    """A path by which two ways of writing it are known to be one; links are not followed."""
    return path if is_elsewhere(path) else os.path.abspath(path).replace(os.sep, '/')  # noqa: PTH100


def _image_folder(leaf: Any, files: Sequence[str]) -> list[str]:
    """The parts of the folder that a data set's names start from."""
    prefix = getattr(leaf, 'data_prefix', None)
    folder = prefix.get('img_path') if isinstance(prefix, dict) else None
    if folder:
        folder = file_key(folder.rstrip('/'))
        if all(file.startswith(f'{folder}/') for file in files):
            return folder.split('/')
    return _common([file.split('/')[:-1] for file in files])


def _common(folders: Sequence[list[str]]) -> list[str]:
    lowest, highest = min(folders, default=[]), max(folders, default=[])
    same = [one == other for one, other in zip(lowest, highest, strict=False)]
    return list(lowest[: same.index(False) if False in same else len(same)])


def _suffixes(leaf: Any) -> tuple[str, ...]:
    given = getattr(leaf, 'img_suffix', None)
    found = (given,) if isinstance(given, str) else given
    return tuple(one for one in found or () if isinstance(one, str) and one)


def _shorten(name: str, suffixes: Sequence[str]) -> str:
    return without_suffix(name, suffixes) or str(PurePosixPath(name).with_suffix(''))
