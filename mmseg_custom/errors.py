"""The base of every error that a user can do something about, and packages that may be absent."""

from collections.abc import Iterable
from importlib import import_module
from types import ModuleType

# What a message contains, in small letters, when something cannot be built, and what to do then.
BUILDING = (
    (
        ('registry', 'is not registered'),
        'Name the module that registers it in custom_imports of the config, or see whether its name is misspelt.',
    ),
    (('no module named', 'please install', 'is not installed'), 'Install the package that is missing.'),
    (
        ('__init__() got an unexpected keyword',),
        'Take that setting out of the config, or see whether its name is misspelt.',
    ),
)


class UserError(Exception):
    """An error whose message names the wrong value and the way out; the tools show it without a traceback."""


class StageError(UserError, RuntimeError):
    """A stage that cannot go on; the message says what is missing and how to get it."""


class MissingExtraError(UserError, ImportError):
    """An optional package that is not installed; the message names the extra that brings it."""


def first_way_out(error: BaseException, known: Iterable[tuple[Iterable[str], str]]) -> str | None:
    """The first way out of which a mark is in the kind or the message of an error, ``None`` where there is none."""
    text = f'{type(error).__name__} {error}'.lower()
    return next((way for marks, way in known if any(mark in text for mark in marks)), None)


def import_extra(module: str, extra: str) -> ModuleType:
    """Import an optional package.

    Args:
        module: Its import name.
        extra: The extra of this project that brings it.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{module} cannot be imported ({error}): install it with `pip install 'mmseg-custom[{extra}]'`."
        ) from error
