import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmseg_custom.config import load_run_config
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.errors import StageError
from mmseg_custom.io.checkpoints.checkpoint_file import load_weights
from mmseg_custom.io.lease import sole_process
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.launchers.pool import RecipeStopped
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.recipe import Recipe
from mmseg_custom.reports import recipe_table
from mmseg_kfold.fork_server import PRELOAD

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


def heed_ctrl_c():
    """A background job passes on that it is ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def train_in_a_process(config, fold):
    """Train a run in a process of its own, which another does at the same time."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(PRELOAD)
    process = context.Process(target=_train, args=(config, fold, Path.cwd()))
    process.start()
    return process


def _train(config, fold, place):
    os.chdir(place)
    build_runner(load_run_config(config, fold=fold)).train()


def winner(stage):
    return load_weights(StageLedger(f'work_dirs/tiny/stage{stage}').winner_path)


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for key in first:
        assert torch.equal(first[key], second[key]), key


@pytest.fixture
def no_report(monkeypatch):
    """Lets `run_recipe.py` draw no report, which takes ten times as long as the recipe."""
    monkeypatch.setattr('mmseg_custom.reports.report_line', lambda *_: 'report: not drawn')


@pytest.fixture
def recipe(tiny_recipe):
    """The tiny recipe, and in `lines` what it says."""
    lines = []
    recipe = Recipe(Plan(tiny_recipe), LocalPool(2), lines.append)
    recipe.lines = lines
    return recipe


def test_recipe_by_one_command_equals_separate_calls_in_mixed_order(finished_recipe, run_tool):
    by_recipe = [winner(stage) for stage in (1, 2)]
    shutil.rmtree('work_dirs')
    code, output = run_tool('train.py', finished_recipe / 'tiny_stage1.py')
    assert code == 0, output
    pair = [train_in_a_process(finished_recipe / 'tiny_stage2.py', fold) for fold in (3, 1)]
    for process in pair:
        process.join()
    assert [process.exitcode for process in pair] == [0, 0]
    code, output = run_tool('train.py', finished_recipe / 'tiny_stage2.py', '--fold', '2')
    assert code == 0, output
    for stage, weights in zip((1, 2), by_recipe, strict=True):
        assert_equal(weights, winner(stage))


def test_second_call_repeats_nothing_and_the_table_shows_everything(finished_recipe, recipe):
    recipe.run()
    assert [line.split(':')[0] for line in recipe.lines] == ['stage 1', 'stage 2']
    table = recipe_table(recipe.ledgers())
    for name in ('full', 'fold1', 'fold2', 'fold3', 'best_fold', 'all_folds (1, 2, 3)', 'top2', 'winner'):
        assert name in table
    assert 'may have been trained on these images before' in table
    assert all('finished' in line for line in recipe.describe())


def test_chosen_stages_and_folds(recipe):
    recipe.run(stages={1})
    assert recipe.describe(stages={2}, folds={2})[0].split()[3:5] == ['left', 'out']
    recipe.run(stages={2}, folds={2})
    assert StageLedger('work_dirs/tiny/stage2').finished_runs() == ['fold2']
    assert recipe.lines[-1] == 'stage 2 waits for fold1, fold3'


def test_stage_without_its_predecessor_is_refused(recipe):
    with pytest.raises(StageError, match=r'tiny_stage1\.py'):
        recipe.run(stages={2})


def test_changed_config_is_named(after_stage1, recipe, tiny_recipe):
    with (tiny_recipe / 'tiny_stage1.py').open('a') as file:
        file.write('optim_wrapper = dict(optimizer=dict(lr=0.5))\n')
    change = r'tiny_stage1\.py has changed since \(optim_wrapper\.optimizer\.lr: 0\.001 -> 0\.5\).*--force'
    with pytest.raises(StageError, match=change):
        Recipe(Plan(tiny_recipe), LocalPool(1), print).run(stages={1})


def test_changed_start_is_named(after_stage1, recipe, tiny_recipe):
    recipe.run(stages={2}, folds={2})
    shutil.rmtree('work_dirs/tiny/stage1')
    shutil.rmtree('work_dirs/tiny_stage1')
    with (tiny_recipe / 'tiny_stage1.py').open('a') as file:
        file.write('optim_wrapper = dict(optimizer=dict(lr=0.5))\n')
    again = Recipe(Plan(tiny_recipe), LocalPool(1), print)
    again.run(stages={1})
    with pytest.raises(StageError, match=r'fold2 of .*stage2 is finished, but .*winner\.pth.* has changed'):
        again.run(stages={2})


def test_force_moves_what_has_changed_and_what_follows_into_the_archive(after_stage1, recipe, tiny_recipe):
    recipe.run(stages={2}, folds={2})
    first = winner(1)
    with (tiny_recipe / 'tiny_stage1.py').open('a') as file:
        file.write('optim_wrapper = dict(optimizer=dict(lr=0.5))\n')
    Recipe(Plan(tiny_recipe), LocalPool(1), recipe.lines.append).run(stages={1}, force=True)
    assert not torch.equal(winner(1)['decode_head.conv_seg.bias'], first['decode_head.conv_seg.bias'])
    assert_equal(load_weights(next(Path('work_dirs/tiny/stage1').glob('archive_*/winner.pth'))), first)
    assert StageLedger('work_dirs/tiny/stage2').finished_runs() == []
    assert next(Path('work_dirs/tiny/stage2').glob('archive_*/fold2.json')).is_file()
    moved = [line.split(':')[0] for line in recipe.lines if 'is now in' in line]
    assert moved == ['stage 2'] * 2 + ['stage 1'] * 2  # of each the last state of its run, and what the ledger has


def test_longer_stages_go_on_and_what_stands_on_them_is_named(after_stage1, recipe, tiny_recipe):
    recipe.run(stages={2}, folds={2})
    with (tiny_recipe / 'tiny_stage1.py').open('a') as file:
        file.write('train_cfg = dict(max_epochs=3)\n')
    again = Recipe(Plan(tiny_recipe), LocalPool(1), recipe.lines.append)
    states = [line.split(' epochs from')[0] for line in again.describe(folds={2})]
    assert states[0] == 'stage 1 full   to go on behind 2 of   3'
    assert states[2] == 'stage 2 fold2  stale, stage 1 is trained first (--force);   2'
    with pytest.raises(StageError, match=r'fold2 of .*stage2 is finished, but .*winner\.pth.* has changed.*--force'):
        again.run(folds={2})
    assert 'stage 1 full: goes on behind 2 of 3 epochs' in recipe.lines
    assert len(StageLedger('work_dirs/tiny/stage1').entry('full')['history']) == 3


def test_second_runner_is_refused_and_names_the_first(recipe):
    with (
        sole_process(Path('work_dirs/tiny/recipe.lease'), ''),
        pytest.raises(StageError, match=f'recipe is being run by process {os.getpid()} on'),
    ):
        recipe.run()


def test_run_that_another_process_trains_is_left_to_it(recipe):
    with (
        sole_process(Path('work_dirs/tiny_stage1/run.lease'), ''),
        pytest.raises(StageError, match=f'tiny_stage1 is being trained by process {os.getpid()} on'),
    ):
        recipe.run(stages={1})


def test_changed_config_of_a_half_trained_run_is_named(recipe, tiny_recipe):
    def stop(line):
        if 'epoch 1/' in line:
            recipe.pool.stop()

    recipe.report = stop
    with pytest.raises(RecipeStopped, match='stage 1 full') as stopped:
        recipe.run(stages={1})
    assert stopped.value.exit_code == 75
    assert StageLedger('work_dirs/tiny/stage1').finished_runs() == []
    with (tiny_recipe / 'tiny_stage1.py').open('a') as file:
        file.write('optim_wrapper = dict(optimizer=dict(lr=0.5))\n')
    again = Recipe(Plan(tiny_recipe), LocalPool(1), print)
    with pytest.raises(StageError, match=r'half trained, but .*lr'):
        again.run(stages={1})
    again.run(stages={1}, force=True)
    assert list(Path('work_dirs/tiny_stage1').glob('archive_*/*.pth'))


def test_failed_fold_is_explained_and_the_others_finish(after_stage1, recipe):
    Path('work_dirs/tiny_stage2_fold2/run.json').mkdir(parents=True)  # where the run writes a file
    with pytest.raises(StageError, match=r'(?s)stage 2 fold2 failed.*run\.json'):
        recipe.run(stages={2})
    assert StageLedger('work_dirs/tiny/stage2').finished_runs() == ['fold1', 'fold3']


def test_told_so_a_recipe_goes_on_without_a_failed_fold(after_stage1, tiny_recipe, run_tool, no_report):
    Path('work_dirs/tiny_stage2_fold2/run.json').mkdir(parents=True)  # where the run writes a file
    code, output = run_tool('run_recipe.py', tiny_recipe, '--keep-going')
    ledger = StageLedger('work_dirs/tiny/stage2')
    assert code == 0, output
    assert 'goes on without fold2' in output
    assert list(ledger.outcome()['runs']) == ['fold1', 'fold3']
    assert 'run.json' in ledger.failures(['fold2'])['fold2']
    Path('work_dirs/tiny_stage2_fold2/run.json').rmdir()
    assert run_tool('run_recipe.py', tiny_recipe, '--keep-going')[0] == 0
    assert list(ledger.outcome()['runs']) == ['fold1', 'fold2', 'fold3']


def test_interrupted_command_goes_on_and_ends_the_same(finished_recipe, run_tool, no_report):
    uninterrupted = winner(2)
    shutil.rmtree('work_dirs')
    command = [sys.executable, TOOLS / 'run_recipe.py', finished_recipe]
    output = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT, 'text': True}
    process = subprocess.Popen(command, start_new_session=True, preexec_fn=heed_ctrl_c, **output)
    for line in process.stdout:
        if 'fold2: epoch 1/' in line:
            os.killpg(process.pid, signal.SIGINT)
            break
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 75, rest
    assert 'the same command goes on' in rest
    assert 'winner: ' not in rest
    assert StageLedger('work_dirs/tiny/stage2').outcome() is None
    code, output = run_tool('run_recipe.py', finished_recipe)
    assert code == 0, output
    assert 'stage1: epoch' not in output
    assert_equal(uninterrupted, winner(2))
