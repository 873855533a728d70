"""Help and mistyped options answer before anything heavy is imported."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mmseg_kfold
from mmseg_custom.datasets.class_statistics import WEIGHTINGS
from mmseg_custom.inference.onnx_info import OUTPUTS
from mmseg_custom.inference.writers import KINDS
from mmseg_kfold import export, predict
from mmseg_kfold.options import add_overrides

ROOT = Path(__file__).resolve().parents[2]
TOOLS = sorted(path for path in (ROOT / 'tools').glob('*.py') if path.name not in ('_bootstrap.py', '_torchrun.py'))
COMMANDS = ('run', 'report', 'out-of-fold', 'label-errors', 'predict', 'test', 'export', 'average')
CALLED = """
import json, runpy, sys
codes = []
for call in json.loads(sys.argv[1]):
    sys.argv = call
    try:
        runpy.run_path(call[0], run_name='__main__')
    except SystemExit as stopped:
        codes.append(stopped.code)
installed = {name.partition('.')[0] for name, module in sys.modules.items()
             if 'site-packages' in (getattr(module, '__file__', None) or '') or name.startswith('mmseg_custom')}
print(json.dumps([codes, sorted(installed)]))
"""


@pytest.mark.parametrize(('option', 'code'), [('--help', 0), ('--no-such-option', 2)])
def test_the_parser_answers_without_a_package(option, code):
    assert len(TOOLS) >= 14
    calls = [[str(tool), option] for tool in TOOLS]
    calls += [[str(ROOT / 'tools/kfold.py'), command, option] for command in COMMANDS]
    environment = {'PATH': '/usr/bin:/bin', 'PYTHONPATH': str(ROOT / 'tools')}
    command = [sys.executable, '-S', '-c', CALLED, json.dumps(calls)]
    done = subprocess.run(command, text=True, capture_output=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    codes, installed = json.loads(done.stdout.splitlines()[-1])
    assert codes == [code] * len(calls), done.stderr
    assert installed == []


def choices(module, option):
    parser = argparse.ArgumentParser()
    module.add_options(parser)
    return next(action.choices for action in parser._actions if option in action.option_strings)


def test_choices_are_what_the_packages_can(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    import prepare_data

    assert tuple(choices(predict, '--save')) == KINDS
    assert tuple(choices(export, '--output')) == OUTPUTS
    assert tuple(WEIGHTINGS) == prepare_data.WEIGHTINGS


def overrides(*words):
    parser = argparse.ArgumentParser()
    add_overrides(parser)
    return parser.parse_args(words).cfg_options


def test_overrides_are_read_as_values():
    words = ['--cfg-options', 'a.b=1', 'c=[1,x]', '--cfg-options', 'd=None', 'e=k=v']
    assert overrides(*words) == {'a.b': 1, 'c': [1, 'x'], 'd': None, 'e': 'k=v'}
    assert overrides() is None


@pytest.mark.parametrize(('word', 'message'), [('a', 'a: write key=value'), ('a=[1,(2', 'Imbalanced brackets')])
def test_overrides_that_cannot_be_read_are_an_error_of_the_option(word, message, capsys):
    with pytest.raises(SystemExit):
        overrides('--cfg-options', word)
    assert message in capsys.readouterr().err


def test_every_command_of_a_run_has_its_options():
    # The last word of each is one that only it has.
    for words in (
        ['predict', 'w', 'x.png', '--out', 'o', '--smooth'],
        ['test', 'w', '--data', 'i', 'l', '--tta'],
        ['export', 'w', '--out', 'o', '--output', 'ids'],
        ['average', 'w', '--out', 'o', '--config', 'c.py'],
    ):
        args = mmseg_kfold.parse_args(words)
        assert args.command == words[0] and callable(args.main)
    with pytest.raises(SystemExit):
        mmseg_kfold.parse_args(['test', 'w', '--fold', '1', '--split', 'test'])
