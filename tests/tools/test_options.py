"""Options out of range end in one line that names them, before anything is done."""

import importlib
import subprocess
import sys
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.options import OptionError
from mmseg_custom.plan.plan import Plan
from mmseg_kfold.options import number, numbers, share, size

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.mark.parametrize(
    ('read', 'text', 'value'),
    [
        (number(low=1), '3', 3),
        (number(float, 0, 1), '0', 0.0),
        (number(float, above=0), '0.5', 0.5),
        (size, '512x1024', (512, 1024)),
        (size, '7', (7, 7)),
        (share, '0.2', 0.2),
        (numbers, '2-3,5', {2, 3, 5}),
        (numbers, '4', {4}),
        (numbers, '2-2', {2}),
    ],
)
def test_good_values_are_read(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ('read', 'text', 'message'),
    [
        (number(low=1), '0', '0 is out of range: use 1 or more'),
        (number(low=1), '-1', '-1 is out of range: use 1 or more'),
        (number(low=1), '1.5', "'1.5' is no whole number"),
        (number(low=1), 'many', "'many' is no whole number"),
        (number(float, 0, 1), '1.1', '1.1 is out of range: use 0 to 1'),
        (number(float, 0, 1), 'nan', 'nan is out of range: use 0 to 1'),
        (number(float, above=0), '0', '0 is out of range: use more than 0'),
        (number(float, above=0), 'inf', 'inf is out of range: use more than 0'),
        (share, '1', '1 is out of range: use more than 0 and less than 1'),
        (share, '0', '0 is out of range: use more than 0'),
        (size, '0x5', '0 is out of range: use 1 or more'),
        (size, '5x', "'' is no whole number"),
        (size, '5x6x7', "'6x7' is no whole number"),
        (numbers, '5-2', '5-2 ends before it begins: use 2-5'),
        (numbers, '', "'' is no list of numbers: use e.g. 2-3 or 1,4"),
        (numbers, '-1', "'-1' is no list of numbers: use e.g. 2-3 or 1,4"),
        (numbers, '1,x', "'1,x' is no list of numbers: use e.g. 2-3 or 1,4"),
        (numbers, '1-99999999', '1-99999999 is too long a range'),
    ],
)
def test_bad_values_say_what_is_good(read, text, message):
    with pytest.raises(ArgumentTypeError) as caught:
        read(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ('tool', 'arguments', 'option'),
    [
        ('run_recipe', ['FOLDER', '--jobs', '-1'], '--jobs: -1'),
        ('run_recipe', ['FOLDER', '--jobs', '0'], '--jobs: 0'),
        ('run_recipe', ['FOLDER', '--repeats', '0'], '--repeats: 0'),
        ('run_recipe', ['FOLDER', '--stages', '5-2'], '--stages: 5-2'),
        ('run_recipe', ['FOLDER', '--folds', 'all'], "--folds: 'all'"),
        ('run_recipe', ['FOLDER', '--launcher', 'ray', '--cpus-per-fold', '0'], '--cpus-per-fold: 0'),
        ('run_recipe', ['FOLDER', '--launcher', 'ray', '--gpus-per-fold', '2'], '--gpus-per-fold: 2'),
        ('run_recipe', ['FOLDER', '--launcher', 'ray', '--retries', '-1'], '--retries: -1'),
        ('test', ['C', 'W', '--tta-scales', '1', '0'], '--tta-scales: 0'),
        ('test', ['C', 'W', '--slide', '0', '1'], '--slide: 0'),
        ('test', ['C', 'W', '--wait-time', '-1'], '--wait-time: -1'),
        ('predict', ['M', 'I', '--out', 'o', '--opacity', '2'], '--opacity: 2'),
        ('predict', ['M', 'I', '--out', 'o', '--batch-size', '0'], '--batch-size: 0'),
        ('predict', ['M', 'I', '--out', 'o', '--workers', '0'], '--workers: 0'),
        ('prepare_data', ['C', '--workers', '-2'], '--workers: -2'),
        ('browse_augmentations', ['C', '--images', '0'], '--images: 0'),
        ('browse_augmentations', ['C', '--seed', '-1'], '--seed: -1'),
        ('demo', ['M', '--port', '0'], '--port: 0'),
        ('make_streets', ['--height', '8'], '--height: 8'),
        ('make_streets', ['--train', '0'], '--train: 0'),
    ],
)
def test_every_tool_names_the_option(monkeypatch, capsys, tool, arguments, option):
    monkeypatch.syspath_prepend(str(TOOLS))
    monkeypatch.delitem(sys.modules, tool, raising=False)
    monkeypatch.setattr(sys, 'argv', [tool, *arguments])
    module = importlib.import_module(tool)
    monkeypatch.delitem(sys.modules, tool, raising=False)
    with pytest.raises(SystemExit) as stopped:
        module.parse_args()
    assert stopped.value.code == 2
    assert f'argument {option}' in capsys.readouterr().err


def test_stages_and_folds_are_those_of_the_plan(tiny_recipe):
    plan = Plan(tiny_recipe)
    plan.check_chosen(None, None)
    plan.check_chosen({1, 2}, {1, 3})
    with pytest.raises(OptionError, match=r'^--stages 0, 9: .*recipe has no such stages; it has 1, 2\.$'):
        plan.check_chosen({0, 2, 9}, None)
    with pytest.raises(OptionError, match=r'^--folds 7: .*recipe has no such folds; it has 1, 2, 3\.$'):
        plan.check_chosen(None, {1, 7})
    with pytest.raises(OptionError, match=r'^--folds 1: .*recipe has no such folds; it has none\.$'):
        plan.check_chosen({1}, {1})


def test_a_pool_without_jobs_is_refused():
    with pytest.raises(OptionError, match=r'^-1 jobs side by side: use 1 or more\.$'):
        LocalPool(-1)


@pytest.mark.parametrize(
    ('tool', 'arguments', 'environment', 'message'),
    [
        ('dist_train.sh', ['C', '0'], {}, 'PROCESSES is 0: use a number from 1'),
        ('dist_test.sh', ['C', 'W', 'two'], {}, 'PROCESSES is two: use a number from 1'),
        ('slurm_train.sh', ['P', 'J', 'C'], {'GPUS': '-1'}, 'GPUS is -1: use a number from 1'),
    ],
)
def test_scripts_name_a_wrong_number(tool, arguments, environment, message):
    environment = {'PATH': '/usr/bin:/bin', **environment}
    done = subprocess.run(['bash', TOOLS / tool, *arguments], text=True, capture_output=True, env=environment)
    assert (done.returncode, done.stderr.strip()) == (2, message)
