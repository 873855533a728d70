"""What can go wrong with the inputs and parts of a prediction."""

from importlib import import_module
from types import ModuleType

from mmseg_custom.errors import UserError


class InputError(UserError, ValueError):
    """An image, video or model that cannot be used; the message names the file."""


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
