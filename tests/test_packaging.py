import re
from ast import literal_eval
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmseg_custom.stack import REQUIRED, require_stack

ROOT = Path(__file__).resolve().parent.parent


def test_installing_brings_no_host_of_its_own():
    text = (ROOT / 'setup.py').read_text()
    required = re.search(r'install_requires=\[(.*?)\n    \]', text, re.DOTALL).group(1)
    assert 'numpy' in required
    assert not re.search(r'torch|mmcv|mmengine|mmseg', required)


def test_extras_and_lock_file_agree():
    extras = re.search(r'ONEDL = \[(.*?)\]', (ROOT / 'setup.py').read_text()).group(1)
    locked = (ROOT / 'requirements.txt').read_text().splitlines()
    pinned = [name.strip(" '") for name in extras.split(',')]
    assert len(pinned) == 4
    assert set(pinned) <= set(locked)


def test_the_wheel_says_that_it_is_typed():
    data = literal_eval(re.search(r'package_data=(\{.*?\})', (ROOT / 'setup.py').read_text(), re.DOTALL)[1])
    assert all((ROOT / 'mmseg_custom' / name).is_file() for name in data['mmseg_custom'])
    assert 'py.typed' in data['mmseg_custom']


def test_every_checker_that_lint_runs_is_pinned():
    locked = (ROOT / 'requirements.txt').read_text()
    recipe = (ROOT / 'Makefile').read_text().partition('\nlint:')[2].partition('\n\n')[0]
    checkers = set(re.findall(r'\$\(BIN\)/(\w+)', recipe))
    assert (
        checkers
        == {'ruff', 'mypy'}
        == set(re.findall(r'entry: (\w+)', (ROOT / '.pre-commit-config.yaml').read_text()))
    )
    for checker in checkers:
        assert re.search(rf'^{checker}==[\d.]+$', locked, re.M)


def test_the_lowest_versions_that_are_taken_are_those_that_are_tested():
    text = (ROOT / 'setup.py').read_text()
    taken = dict(re.findall(r"'([\w-]+)>=([\d.]+)'", re.search(r'install_requires=\[(.*?)\n    \]', text, re.S)[1]))
    tested = dict(re.findall(r'^([\w-]+)==([\d.]+)', (ROOT / 'requirements-lowest.txt').read_text(), re.M))
    assert len(taken) == 7
    for name, version in taken.items():
        assert f'{tested[name]}.'.startswith(f'{version}.'), name
    assert tested['torch'] == REQUIRED['torch']


@pytest.mark.parametrize(('package', 'version'), [('torch', '2.5.1'), ('mmengine', '0.10.4'), ('mmseg', '1.1.2')])
def test_an_older_stack_is_refused_in_one_line(package, version, monkeypatch):
    monkeypatch.setattr(import_module(package), '__version__', version)
    with pytest.raises(
        ImportError, match=f'^{package} {version} is older than the {REQUIRED[package]} that is needed'
    ):
        require_stack()


def test_a_system_without_file_locks_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr('mmseg_custom.stack.os', SimpleNamespace(name='nt'))
    with pytest.raises(ImportError, match=r'^mmseg-custom needs Linux or macOS.*WSL'):
        require_stack()
