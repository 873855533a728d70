"""The plan that `mmseg-kfold run` writes: which command goes on with it, and when it is left as it was."""

import sys

import pytest
from mmengine.config import Config

from mmseg_custom.cross_validation.command import shown_command
from mmseg_custom.cross_validation.run import plan_kept
from mmseg_custom.fold_settings import check_one_fold
from mmseg_custom.ledger.changes import change_of, extension
from mmseg_custom.ledger.fingerprint import fingerprint
from mmseg_custom.options import OptionError
from mmseg_custom.plan.plan import Plan, explain_missing_winner

COMMAND = "mmseg-kfold run 'my config.py' --folds 3"


@pytest.mark.parametrize(
    ('program', 'words', 'command'),
    [
        ('/bin/mmseg-kfold', ['run', 'my config.py', '--folds', '3'], COMMAND),
        ('tools/kfold.py', ['run', 'a.py'], 'python tools/kfold.py run a.py'),
        (
            'mmseg-kfold',
            ['run', 'a.py', '--only', '1,2', '--force', '--dry-run', '--jobs', '2', '--no-preflight', '--only=3'],
            'mmseg-kfold run a.py --jobs 2',
        ),
    ],
)
def test_the_command_that_goes_on_is_the_one_that_was_called(monkeypatch, program, words, command):
    monkeypatch.setattr(sys, 'argv', [program])
    assert shown_command(words) == command


def test_messages_name_the_command_of_a_written_plan(tmp_path):
    for number in (1, 2):
        (tmp_path / f'stage{number}.py').write_text(f'num_folds = 3\ncommand = {COMMAND!r}\n')
    plan = Plan(tmp_path)
    assert plan.command == COMMAND
    message = explain_missing_winner(tmp_path / 'stage2.py', tmp_path / 'stage1/winner.pth')
    assert message.endswith(f'which does not exist. Train what is missing: {COMMAND}')
    with pytest.raises(OptionError, match=r"or train them all by mmseg-kfold run 'my config.py' --folds 3;"):
        check_one_fold(Config.fromfile(str(tmp_path / 'stage1.py')))


def test_a_call_that_trains_nothing_leaves_the_configs_as_they_were(tmp_path):
    folder = tmp_path / 'plan'
    folder.mkdir()
    first, second = folder / 'stage1.py', folder / 'stage2.py'
    first.write_text('old')
    second.write_text('old')
    with pytest.raises(ZeroDivisionError), plan_kept(tmp_path):
        first.write_text('new')
        second.unlink()
        raise ZeroDivisionError
    assert (first.read_text(), second.read_text()) == ('old', 'old')
    with plan_kept(tmp_path) as renew:
        first.write_text('new')
        renew()
    assert first.read_text() == 'new'


def iteration_config(max_iters):
    settings = dict(train_cfg=dict(by_epoch=False, max_iters=max_iters, val_interval=10), made_of='my_config.py')
    loader = dict(train_dataloader=dict(dataset=dict(type='BaseSegDataset')))
    return Config({**settings, **loader, 'work_dir': 'runs/fold1', 'default_hooks': {}})


def test_a_run_of_iterations_is_trained_longer_and_never_shorter(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'runs/fold1').mkdir(parents=True)
    (tmp_path / 'runs/fold1/iter_250.pth').touch()
    entry = {**fingerprint(iteration_config(250)), 'history': [{'iter': 250, 'epoch': 50.0}]}
    assert extension(iteration_config(300), entry) == (250, 300)
    assert extension(iteration_config(100), entry) is None
    assert change_of(iteration_config(100), entry) == (
        'is finished, but my_config.py or an option of the command asks for 100 iterations, fewer than the 250 that '
        'it has trained'
    )
