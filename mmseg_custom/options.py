"""Types of command line options: a value out of range is an error of the parser, which names the option."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Collection
from math import inf, isfinite

from mmseg_custom.errors import UserError

# A range of folds or seeds that is longer was mistyped.
MAX_NUMBERS = 10_000


class OptionError(UserError, ValueError):
    """An option that does not fit what it is used on."""


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


def check_chosen(
    option: str, chosen: Collection[int] | None, known: Collection[int], where: str, what: str | None = None
) -> None:
    """See that numbers that were asked for exist.

    Args:
        option: What asked for them.
        chosen: The numbers, ``None`` for all.
        known: Those that exist.
        where: What has these.
        what: What they are numbers of; by default the option says it.

    Raises:
        OptionError: If some do not, naming those that do.
    """
    unknown = sorted(set(chosen or ()) - set(known))
    if unknown:
        there = f'it has {_list(known)}' if known else 'it has none'
        raise OptionError(f'{option} {_list(unknown)}: {where} has no such {what or option.strip("-")}; {there}.')


def _list(values: Collection[int]) -> str:
    return ', '.join(map(str, sorted(values)))


def _range(low: float, high: float, above: float) -> str:
    smallest = f'more than {above:g}' if above > -inf else f'{low:g} or more' if low > -inf else ''
    if high == inf:
        return smallest or 'a finite number'
    both = low > -inf and above == -inf
    return f'{low:g} to {high:g}' if both else ' and '.join(filter(None, (smallest, f'at most {high:g}')))
