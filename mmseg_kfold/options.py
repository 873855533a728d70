"""Types of command line options: a value out of range is an error of the parser, which names the option.

Nothing here needs a package: help and mistyped options answer before PyTorch and MMSegmentation are imported.
"""

from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from math import inf, isfinite
from typing import Any

# A range of folds or seeds that is longer was mistyped.
MAX_NUMBERS = 10_000
OVERRIDES = 'overrides of the config, key=value; those of the training are known for models of a recipe'


def add_common_options(parser: ArgumentParser) -> None:
    """Add the options that MMSegmentation's train.py and test.py share."""
    parser.add_argument('config', help='config file, e.g. configs/stage2.py')
    parser.add_argument(
        '--work-dir', help='where logs and checkpoints go (default: work_dirs/<config name>[_fold<K>])'
    )
    add_overrides(parser)
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def add_fold(group: Any, text: str) -> None:
    """Add ``--fold`` to a parser or a group of it, with ``text`` as its help."""
    group.add_argument('--fold', type=number(low=1), metavar='K', help=text)


def add_overrides(parser: Any, text: str = 'overrides of the config, key=value') -> None:
    """Add ``--cfg-options``, whose help is ``text``."""
    parser.add_argument('--cfg-options', nargs='+', action=Overrides, help=text)


class Overrides(Action):
    """``key=value`` as MMEngine's ``DictAction`` reads it, which is imported where there is something to read."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Sequence[str], option_string: str | None = None
    ) -> None:
        """Add the pairs to those that are there."""
        wrong = [text for text in values if not text.partition('=')[1]]
        if wrong:
            parser.error(f'{option_string} {wrong[0]}: write key=value')
        from mmengine.config import DictAction

        try:
            DictAction(self.option_strings, self.dest)(parser, namespace, values, option_string)
        except AssertionError as error:  # Of brackets.
            parser.error(f'{option_string}: {error}')


def number(
    kind: type[int] | type[float] = int, low: float = -inf, high: float = inf, above: float = -inf
) -> Callable[[str], float]:
    """A type for :mod:`argparse`: a finite number.

    Args:
        kind: ``int`` or ``float``.
        low: The smallest one allowed.
        high: The largest one allowed.
        above: It has to be larger than this.
    """

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise ArgumentTypeError(f'{text!r} is no {"whole " * (kind is int)}number') from None
        if not isfinite(value) or not low <= value <= high or value <= above:
            raise ArgumentTypeError(f'{text} is out of range: use {_range(low, high, above)}')
        return value

    return read


def size(text: str) -> tuple[int, int]:
    """A type for :mod:`argparse`: a height and width, ``512x1024``, or one number for both."""
    height, cross, width = text.partition('x')
    read = number(low=1)
    return int(read(height)), int(read(width if cross else height))


def share(text: str) -> float:
    """A type for :mod:`argparse`: a part of something, neither nothing nor all of it."""
    value = number(float, above=0)(text)
    if value >= 1:
        raise ArgumentTypeError(f'{text} is out of range: use more than 0 and less than 1')
    return value


def numbers(text: str) -> set[int]:
    """A type for :mod:`argparse`: ``2-3,5`` is {2, 3, 5}.

    Raises:
        ArgumentTypeError: If it is none of that, or a range that ends before it begins.
    """
    found: set[int] = set()
    for part in text.split(','):
        first, dash, last = part.partition('-')
        if not first.strip().isdecimal() or (dash and not last.strip().isdecimal()):
            raise ArgumentTypeError(f'{text!r} is no list of numbers: use e.g. 2-3 or 1,4')
        low, high = int(first), int(last if dash else first)
        if high < low:
            raise ArgumentTypeError(f'{part.strip()} ends before it begins: use {high}-{low}')
        if high - low > MAX_NUMBERS:
            raise ArgumentTypeError(f'{part.strip()} is too long a range')
        found.update(range(low, high + 1))
    return found


def _range(low: float, high: float, above: float) -> str:
    smallest = f'more than {above:g}' if above > -inf else f'{low:g} or more' if low > -inf else ''
    if high == inf:
        return smallest or 'a finite number'
    both = low > -inf and above == -inf
    return f'{low:g} to {high:g}' if both else ' and '.join(filter(None, (smallest, f'at most {high:g}')))
