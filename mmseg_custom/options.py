"""Options that do not fit what they are used on; how their words are read stands in ``mmseg_kfold/options.py``."""

from collections.abc import Collection

from mmseg_custom.errors import UserError


class OptionError(UserError, ValueError):
    """An option that does not fit what it is used on."""


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
