"""The list of images that a data set leaves out, one ``SPLIT/NAME`` a line."""

from collections.abc import Iterable
from pathlib import Path

from mmseg_custom.errors import UserError
from mmseg_custom.io.files import PathLike, write_bytes

SPLITS = ('train/', 'val/')


class SkipListError(UserError, ValueError):
    """A skip list that does not fit the data; the message names the line."""


def write_skip_list(names: Iterable[str], path: PathLike) -> None:
    """Write names such as ``train/aachen/aachen_000000_000019``, sorted, each once."""
    write_bytes(''.join(f'{name}\n' for name in sorted(set(names))).encode(), path)


def read_skip_list(path: PathLike) -> set[str]:
    """Read the names of a skip list; empty lines do not count.

    Raises:
        FileNotFoundError: If there is no such file.
        SkipListError: If a line does not begin with a split.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'skip_list {path} does not exist: leave it out of the data set, or write it with '
            f'`python tools/prepare_data.py CONFIG --verify --skip-list {path}`.'
        )
    lines = (line.strip() for line in Path(path).read_text(encoding='utf-8').splitlines())
    names = {line for line in lines if line}
    strange = sorted(name for name in names if not name.startswith(SPLITS))
    if strange:
        raise SkipListError(f'skip_list {path}: {strange[0]!r} does not begin with one of {SPLITS}.')
    return names


def leave_out(samples: dict[str, dict], split: str, path: PathLike) -> list[dict]:
    """The samples of a split that a skip list does not name.

    Args:
        samples: The samples of the split by the name of their image.
        split: ``'train'`` or ``'val'``; names of other splits do not matter.
        path: The skip list.

    Raises:
        FileNotFoundError: If there is no such file.
        SkipListError: If it names an image that is not there.
    """
    skipped = {name.partition('/')[2] for name in read_skip_list(path) if name.startswith(f'{split}/')}
    unknown = sorted(skipped - set(samples))
    if unknown:
        raise SkipListError(f'skip_list {path}: there is no image {split}/{unknown[0]}; remove the line.')
    return [sample for name, sample in samples.items() if name not in skipped]
