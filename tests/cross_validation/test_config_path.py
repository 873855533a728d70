"""A config is a file, or one that an installed package brings."""

from pathlib import Path

import mmseg
import pytest

from mmseg_custom.config import ConfigError
from mmseg_custom.cross_validation.config_path import find_config

NAME = 'fastscnn/fast_scnn_8xb4-160k_cityscapes-512x1024'


def test_configs_of_a_package_are_found_with_and_without_suffix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = Path(mmseg.__file__).parent / '.mim' / 'configs' / f'{NAME}.py'
    assert find_config(f'mmseg::{NAME}').samefile(expected)
    assert find_config(f'mmseg::{NAME}.py').samefile(expected)
    Path('own.py').touch()
    assert find_config('own.py') == Path('own.py')


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        ('mmseg::fastscnn/fast_scnn_cityscapes.py', r'no such config in .*; is fastscnn/fast_scnn_8xb4-160k'),
        ('nothing_like_it::a.py', "no installed package 'nothing_like_it' brings configs"),
        ('a b::a.py', "no installed package 'a b'"),
        ('pathlib::a.py', "no installed package 'pathlib'"),
        ('own.py', r'There is no config own\.py \(seen from /'),
    ],
)
def test_what_is_not_there_is_named(tmp_path, monkeypatch, config, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        find_config(config)
