"""Where a config is: a file, or one that an installed package brings along."""

from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from mmseg_custom.config import ConfigError
from mmseg_custom.io.files import PathLike

SEPARATOR = '::'
FOLDERS = ('.mim/configs', 'configs')


def find_config(config: PathLike) -> Path:
    """The file of a config.

    Args:
        config: A path, or ``package::path`` for a config of an installed package, e.g.
            ``mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py``; ``.py`` may be left out.

    Raises:
        ConfigError: If there is none; the message names similar ones.
    """
    package, separator, name = str(config).partition(SEPARATOR)
    if separator:
        return _of_package(package, name)
    if not Path(config).is_file():
        raise ConfigError(f'There is no config {config} (seen from {Path.cwd()}).')
    return Path(config)


def _of_package(package: str, name: str) -> Path:
    spec = find_spec(package) if package.isidentifier() else None
    roots = [Path(place, folder) for place in (spec and spec.submodule_search_locations) or () for folder in FOLDERS]
    roots = [root for root in roots if root.is_dir()]
    if not roots:
        raise ConfigError(f'{package}{SEPARATOR}{name}: no installed package {package!r} brings configs.')
    for file in (Path(root, f'{name}{suffix}') for root in roots for suffix in ('', '.py')):
        if file.is_file():
            return file
    known = [str(file.relative_to(roots[0])) for file in roots[0].rglob('*.py')]
    close = ' or '.join(get_close_matches(name, known, n=3)) or 'a path below it'
    raise ConfigError(f'{package}{SEPARATOR}{name}: there is no such config in {roots[0]}; is {close} meant?')
