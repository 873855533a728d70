"""The OpenMMLab packages the plugin stands on: which are needed, and what to say when they are not there."""

import contextlib
import io
import os
import warnings
from importlib import import_module
from types import ModuleType

# The lowest versions that are tested, of either stack.
REQUIRED = {'torch': '2.6.0', 'mmcv': '2.1.0', 'mmengine': '0.10.7', 'mmseg': '1.2.2'}
NOISY_PARTS = {'mmseg': ['mmseg.datasets', 'mmseg.models']}
INSTALL_HINT = "install a stack with `pip install 'mmseg-custom[onedl]'` (or see [official] in the README)"


def require_stack() -> None:
    """Check that the system is one we run on, and that every OpenMMLab package is installed and new enough.

    Raises:
        ImportError: In one line, naming the package, the version found and what to install.
    """
    if os.name != 'posix':
        raise ImportError('mmseg-custom needs Linux or macOS for its file locks: on Windows install it in WSL.')
    for name, minimum in REQUIRED.items():
        try:
            module = _import_quietly(name)
        except ImportError as error:
            raise ImportError(f'{name} cannot be imported ({error}): {INSTALL_HINT}.') from error
        if _numbers(module.__version__) < _numbers(minimum):
            raise ImportError(
                f'{name} {module.__version__} is older than the {minimum} that is needed: {INSTALL_HINT}.'
            )


def versions() -> dict[str, str]:
    """The versions of the OpenMMLab packages and of this one, by import name."""
    return {name: import_module(name).__version__ for name in (*REQUIRED, 'mmseg_custom')}


def _import_quietly(name: str) -> ModuleType:
    """Import a package without its remarks on optional parts that are not there."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(record=True):
        module = import_module(name)
        for part in NOISY_PARTS.get(name, ()):
            import_module(part)
    return module


def _numbers(version: str) -> tuple[int, ...]:
    digits = [part for part in version.split('+')[0].split('.')[:3] if part.isdigit()]
    return tuple(int(part) for part in digits)
