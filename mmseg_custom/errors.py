"""The base of every error that a user can do something about, and packages that may be absent."""

from importlib import import_module
from types import ModuleType


class UserError(Exception):
    """An error whose message names the wrong value and the way out; the tools show it without a traceback."""


class StageError(UserError, RuntimeError):
    """A stage that cannot go on; the message says what is missing and how to get it."""


class MissingExtraError(UserError, ImportError):
    """An optional package that is not installed; the message names the extra that brings it."""


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
