"""Which images belong together: by the folder or drive in their names, a pattern, a table or a function."""

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from mmseg_custom.errors import UserError
from mmseg_custom.io.files import hash_text

GroupBy = str | Callable[[str], str] | None
Groups = dict[str, list[str]]

DOTTED_NAME = re.compile(r'[A-Za-z_]\w*(\.[A-Za-z_]\w*)+')
NUMBER = re.compile(r'(\d+)')
WAYS_OUT = (
    'name the groups by a regular expression, whose first group (or whole match) is the name '
    "(group_by=r'^(\\w+)_\\d+'), by a CSV table with a line NAME,GROUP an image (group_by='groups.csv') or by a "
    "function of the image's name (group_by='package.module.function')"
)


class FoldError(UserError, ValueError):
    """Folds that cannot be made or do not fit; the message says why and what to do."""


def group_of_each(names: Iterable[str], group_by: GroupBy, block_size: int | None = None) -> dict[str, str]:
    """The group of each image by its name; arguments and errors as :func:`group_names`."""
    groups = group_names(names, group_by, block_size)
    return {name: group for group, members in groups.items() for name in members}


def group_names(names: Iterable[str], group_by: GroupBy, block_size: int | None = None) -> Groups:
    """Put the images that belong together into groups.

    Args:
        names: Image names, unique: paths without suffix.
        group_by: ``'city'``: an image's folder; without one what stands before the first underscore of its name, or
            before its number. ``'block'``: ``block_size`` consecutive frames of such a city or drive, in the order of
            their numbers. A path ending in ``.csv``: a table of name and group. A dotted name, or a function: called
            with the name, it returns the group. Any other text: a regular expression that is searched for in the
            name. ``None``: every image for itself.
        block_size: Consecutive frames in a block; needed by ``'block'`` alone.

    Returns:
        The names of each group by the group's, groups and names sorted, the frames of a block by their numbers.

    Raises:
        FoldError: If the grouping is unknown or incomplete, or names no group for an image.
    """
    if (group_by == 'block') != (type(block_size) is int and block_size > 0) or (group_by != 'block' and block_size):
        raise FoldError(
            f"group_by={group_by!r} with block_size={block_size!r} cannot be done: group_by='block' needs a "
            'block_size of 1 or more, and nothing else takes one.'
        )
    names = sorted(names)
    if group_by is None:
        return {name: [name] for name in names}
    if group_by == 'city':
        return _drives(names)
    if group_by == 'block' and block_size is not None:
        return _blocks(_drives(names), block_size)
    return _collect(names, _group_function(names, group_by))


def describe_grouping(group_by: GroupBy) -> str | None:
    """How a fold file keeps ``group_by``: a function by its dotted name, all else as it is."""
    if callable(group_by):
        return f'{group_by.__module__}.{group_by.__qualname__}'
    return group_by


def table_hash(group_by: GroupBy) -> str | None:
    """The checksum of the table that ``group_by`` names; ``None`` if it is no table or not there."""
    path = Path(group_by) if isinstance(group_by, str) and _is_table(group_by) else None
    return hash_text(path.read_text(encoding='utf-8-sig')) if path and path.is_file() else None


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Sorts numbers in names by their value: ``frame2`` before ``frame10``."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in NUMBER.split(name) if part]


def _drives(names: Sequence[str]) -> Groups:
    """The images of a folder, city or drive; a prefix that no two images share is no drive but a frame's number."""
    for key in (_city, _before_last_number, _before_first_number):
        groups = _collect(names, key)
        if len(groups) < len(names):
            break
    return groups


def _city(name: str) -> str:
    folder, _, file = name.rpartition('/')
    prefix, underscore, _ = file.partition('_')
    return folder or (prefix if underscore else _before_last_number(file))


def _before_last_number(name: str) -> str:
    found = list(NUMBER.finditer(name))
    return name[: found[-1].start()] if found else name


def _before_first_number(name: str) -> str:
    return NUMBER.split(name)[0]


def _blocks(drives: Mapping[str, Sequence[str]], size: int) -> Groups:
    blocks = {}
    for frames in drives.values():
        in_order = sorted(frames, key=lambda name: (natural_key(name), name))
        for start in range(0, len(in_order), size):
            block = in_order[start : start + size]
            blocks[f'{block[0]} to {block[-1]}'] = block
    return blocks


def _collect(names: Iterable[str], key: Callable[[str], str]) -> Groups:
    groups: Groups = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups


def _group_function(names: Sequence[str], group_by: GroupBy) -> Callable[[str], str]:
    if callable(group_by):
        return partial(_call, group_by)
    if not isinstance(group_by, str) or re.fullmatch(r'\w*', group_by):
        raise FoldError(f"group_by={group_by!r} is unknown: use None, 'city' or 'block', or {WAYS_OUT}.")
    if _is_table(group_by):
        return partial(_look_up, read_table(group_by, names), group_by)
    if DOTTED_NAME.fullmatch(group_by):
        return partial(_call, _import(group_by))
    try:
        return partial(_match, re.compile(group_by))
    except re.error as error:
        raise FoldError(f'group_by={group_by!r} is no regular expression: {error}.') from error


def _is_table(group_by: GroupBy) -> bool:
    return isinstance(group_by, str) and group_by.lower().endswith('.csv')


def read_table(path: str, names: Sequence[str]) -> dict[str, str]:
    """The group of each image by a CSV table of name and group, with or without a line of headings.

    Args:
        path: The file; a name in it may have its file's suffix.
        names: The names of the images.

    Raises:
        FoldError: If the file is missing, a line has no two columns, or a name two groups.
    """
    if not Path(path).is_file():
        raise FoldError(f'group_by={path!r}: there is no such table (seen from {Path.cwd()}).')
    try:
        lines = list(csv.reader(Path(path).read_text(encoding='utf-8-sig').splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FoldError(f'group_by={path!r} is no CSV table in UTF-8: {error}.') from error
    known = set(names)
    groups: dict[str, str] = {}
    for number, row in enumerate(lines, start=1):
        name, group = (cell.strip() for cell in [*row, '', ''][:2])
        stem = name.removesuffix(Path(name).suffix)
        if row and not (name and group):
            raise FoldError(f'{path}, line {number}: {",".join(row)!r} is no NAME,GROUP.')
        if row and groups.setdefault(name if name in known else stem, group) != group:
            raise FoldError(f'{path}, line {number}: {name} has another group in a line above.')
    return groups


def _look_up(groups: Mapping[str, str], path: str, name: str) -> str:
    if name not in groups:
        raise FoldError(f'group_by={path!r}: the table has no line for {name}; add one for every training image.')
    return groups[name]


def _match(pattern: re.Pattern[str], name: str) -> str:
    found = pattern.search(name)
    group = found and (found[1] if pattern.groups else found[0])
    if not group:
        raise FoldError(f'group_by={pattern.pattern!r} finds no group in {name!r}: every image needs one.')
    return group


def _call(function: Callable[[str], str], name: str) -> str:
    try:
        group = function(name)
    except Exception as error:  # It is the user's own code.
        raise FoldError(f'group_by={describe_grouping(function)}: {error!r} for the image {name!r}.') from error
    if group is None:
        raise FoldError(f'group_by={describe_grouping(function)} gives no group for the image {name!r}.')
    return str(group)


def _import(dotted: str) -> Callable[[str], str]:
    module, _, attribute = dotted.rpartition('.')
    try:
        function: Callable[[str], str] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise FoldError(f'group_by={dotted!r} is no function that can be imported: {error}.') from error
    return function
