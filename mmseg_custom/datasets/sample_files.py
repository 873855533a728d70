"""Image and label files that belong together: found by their suffixes, paired by their names."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mmengine import fileio

from mmseg_custom.errors import UserError

# Enough to see a pattern in, and an error stays one sentence.
NAMED_AT_MOST = 3


class SampleFilesError(UserError, ValueError):
    """Files that cannot be told apart or paired; the message names them."""


def is_elsewhere(path: str | Path) -> bool:
    """Whether a path is one of a backend of ``mmengine.fileio``, such as ``s3://bucket/folder``."""
    return '://' in str(path)


def as_suffixes(suffixes: str | Sequence[str], argument: str) -> tuple[str, ...]:
    """One suffix or several as a tuple.

    Raises:
        SampleFilesError: If there is none, or one is no text; ``argument`` says which argument it was.
    """
    found = (suffixes,) if isinstance(suffixes, str) else suffixes
    if not isinstance(found, list | tuple) or not found or not all(isinstance(one, str) and one for one in found):
        raise SampleFilesError(f"{argument}={suffixes!r}: give a suffix like '.png', or several, ('.jpg', '.png').")
    return tuple(found)


def without_suffix(path: str, suffixes: Sequence[str]) -> str | None:
    """A path without the longest of the suffixes that it ends in, small and capital letters alike.

    Returns:
        ``None`` if it ends in none of them, or is nothing else.
    """
    small = path.lower()
    fitting = [len(suffix) for suffix in suffixes if small.endswith(suffix.lower())]
    name = path[: -max(fitting)] if fitting else ''
    return None if name.endswith('/') else name or None


def list_files(folder: str, backend_args: dict | None = None) -> list[str]:
    """The files below a folder as sorted relative paths; none if a local folder does not exist."""
    if not is_elsewhere(folder) and not Path(folder).is_dir():
        return []
    return sorted(fileio.list_dir_or_file(folder, list_dir=False, recursive=True, backend_args=backend_args))


def files_by_name(files: Iterable[str], suffixes: Sequence[str], folder: str) -> dict[str, str]:
    """The files with one of the suffixes, by their names: the paths without it.

    Raises:
        SampleFilesError: If two of them have one name, such as ``a.jpg`` and ``a.JPG``.
    """
    found: dict[str, str] = {}
    for file in files:
        name = without_suffix(file, suffixes)
        if name is not None and found.setdefault(name, file) != file:
            raise SampleFilesError(
                f'{folder}: {found[name]} and {file} have one name, {name}, and cannot be told apart: rename or '
                f'remove one of them, or take fewer suffixes than {tuple(suffixes)}.'
            )
    return found


def read_names(ann_file: str, suffixes: Sequence[str], backend_args: dict | None = None) -> list[str]:
    """The names in a list of images, one a line, with or without the suffix of their file.

    Raises:
        FileNotFoundError: If there is no such list.
        SampleFilesError: If it names an image twice.
    """
    if not is_elsewhere(ann_file) and not Path(ann_file).is_file():
        raise FileNotFoundError(f'ann_file: there is no list {ann_file} (seen from {Path.cwd()}).')
    lines = map(str.strip, fileio.get_text(ann_file, backend_args=backend_args).lstrip('\ufeff').splitlines())
    names = [without_suffix(line, suffixes) or line for line in lines if line]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise SampleFilesError(f'{ann_file} names {few(twice)} more than once: keep one line of each.')
    return names


def list_pairs(
    images: str,
    labels: str | None,
    img_suffix: str | Sequence[str],
    seg_map_suffix: str | Sequence[str],
    ann_file: str = '',
    backend_args: dict | None = None,
) -> list[tuple[str, str | None]]:
    """The path of every image and that of its label, sorted, or in the order of a list.

    Args:
        images: Folder of the images.
        labels: Folder of the labels; ``None`` if there are none.
        img_suffix: What the images end in, one suffix or several.
        seg_map_suffix: What the labels end in.
        ann_file: List of the names to take; an empty one takes all.
        backend_args: As ``mmengine.fileio``. Folders that are not on a local disk are only listed where they must be.

    Returns:
        A pair an image; one that a list names, or a label, that is not there has the path it should have.

    Raises:
        FileNotFoundError: If there is no such list.
        SampleFilesError: If two files have one name.
    """
    suffixes = as_suffixes(img_suffix, 'img_suffix')
    label_suffixes = as_suffixes(seg_map_suffix, 'seg_map_suffix')
    names = read_names(ann_file, suffixes, backend_args) if ann_file else None
    listed = [] if names is not None and is_elsewhere(images) else list_files(images, backend_args)
    found = files_by_name(listed, suffixes, images)
    found_labels = {}
    if labels is not None and not is_elsewhere(labels):
        found_labels = files_by_name(list_files(labels), label_suffixes, labels)
    in_order = sorted(found, key=found.get) if names is None else names
    return [
        (_path(images, name, found, suffixes), labels and _path(labels, name, found_labels, label_suffixes))
        for name in in_order
    ]


def expected_file(folder: str, name: str, suffixes: str | Sequence[str]) -> str:
    """Where the file of a name should be."""
    return _join(folder, name + (suffixes if isinstance(suffixes, str) else suffixes[0]))


def _path(folder: str, name: str, files: Mapping[str, str], suffixes: Sequence[str]) -> str:
    return _join(folder, files[name]) if name in files else expected_file(folder, name, suffixes)


def _join(folder: str, file: str) -> str:
    return f'{folder.rstrip("/")}/{file}'


def few(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    rest = len(names) - NAMED_AT_MOST
    return ', '.join(names[:NAMED_AT_MOST]) + (f' and {rest} more' if rest > 0 else '')


def suffixes_there(files: Iterable[str]) -> str:
    """How many files there are of which suffix, the most frequent first, as text."""
    counts = Counter(Path(file).suffix or 'without suffix' for file in files)
    return ', '.join(f'{count} {suffix}' for suffix, count in counts.most_common(NAMED_AT_MOST))
