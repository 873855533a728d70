"""Reading any config of MMSegmentation, and what it needs that is not installed."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.registry import init_default_scope
from mmengine.utils import import_modules_from_strings

from mmseg_custom.config import ConfigError, check_option
from mmseg_custom.cross_validation.config_path import find_config
from mmseg_custom.io.files import PathLike


def read_user_config(config: PathLike, cfg_options: dict[str, Any] | None = None) -> Config:
    """Read any config as MMSegmentation's ``tools/train.py`` does, also one that an installed package brings.

    Raises:
        ConfigError: If it is not there or cannot be read, needs what is not installed, or an override cannot be
            meant.
    """
    file = find_config(config)
    try:
        cfg = Config.fromfile(str(file), import_custom_modules=False, format_python_code=False)
        _resolve([cfg[key] for key in cfg.to_dict()])
    except Exception as error:  # A config is anybody's code.
        raise ConfigError(f'{config} cannot be read: {_in_one_line(error)}.') from error
    for option, value in (cfg_options or {}).items():
        _override(cfg, option, value)
    check_packages(cfg, str(config))
    _import_modules(cfg, str(config))
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    return cfg


def check_packages(cfg: Config, config: str) -> None:
    """See that the packages are there whose parts a config names, ``mmdet.MSDeformAttnPixelDecoder`` for one.

    Args:
        cfg: The config.
        config: How messages call it.

    Raises:
        ConfigError: If one is not installed; it says which part needs it.
    """
    named = [*_types(cfg.to_dict()), *_imported(cfg)]
    for name in named:
        package = name.partition('.')[0]
        if package in MODULE2PACKAGE and find_spec(package) is None:
            raise ConfigError(
                f'{config} needs {package} (for {name}), which is not installed: install {MODULE2PACKAGE[package]} '
                'by pip or mim, in the version that goes with this MMSegmentation.'
            )


def _resolve(settings: Any) -> None:
    """Let a config in MMEngine's new style import what it names, which it does when it is asked for."""
    if isinstance(settings, Mapping):
        settings = list(settings.values())
    for entry in settings if isinstance(settings, list | tuple) else ():
        _resolve(entry)


def _override(cfg: Config, option: str, value: Any) -> None:
    check_option(cfg, option)
    try:
        cfg.merge_from_dict({option: value})
    except (KeyError, TypeError, AssertionError, AttributeError, ValueError) as error:
        said = f'--cfg-options {option}={value!r} does not fit the config'
        raise ConfigError(f'{said}: {_in_one_line(error)}.') from error


def _import_modules(cfg: Config, config: str) -> None:
    """Run what registers the user's own classes."""
    try:
        if cfg.get('custom_imports'):
            import_modules_from_strings(**cfg.custom_imports)
    except Exception as error:  # A module is anybody's code.
        cause = error.__cause__ or error.__context__ or error
        raise ConfigError(
            f'{config}: custom_imports={_imported(cfg)} cannot be imported ({_in_one_line(cause)}). Modules are '
            f'looked for where you stand ({Path.cwd()}) and in PYTHONPATH.'
        ) from error


def _types(settings: Any) -> Iterator[str]:
    """The types that stand in a config, wherever."""
    if isinstance(settings, Mapping):
        if isinstance(settings.get('type'), str):
            yield settings['type']
        settings = list(settings.values())
    for entry in settings if isinstance(settings, list | tuple) else ():
        yield from _types(entry)


def _imported(cfg: Config) -> list[str]:
    settings = cfg.get('custom_imports') or {}
    imports = settings.get('imports') or []
    return [imports] if isinstance(imports, str) else list(imports)


def _in_one_line(error: BaseException) -> str:
    return f'{type(error).__name__}: {" ".join(str(error).split()).rstrip(".")}'
