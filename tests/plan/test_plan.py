import pytest

from mmseg_custom.errors import StageError
from mmseg_custom.options import OptionError
from mmseg_custom.plan.plan import Plan, explain_missing_winner


@pytest.fixture
def folder(tmp_path):
    texts = {'x_stage1': '', 'x_stage2': 'num_folds = 3', 'x_stage10': "_base_ = './x_stage2.py'", 'notes': ''}
    for name, text in texts.items():
        (tmp_path / f'{name}.py').write_text(text)
    return tmp_path


def test_folder_is_the_plan(folder):
    plan = Plan(folder)
    assert [(stage.number, stage.run_names) for stage in plan.stages] == [
        (1, ['full']),
        (2, ['fold1', 'fold2', 'fold3']),
        (10, ['fold1', 'fold2', 'fold3']),
    ]
    run = plan.stage(2).runs[2]
    assert (run.config, run.full_name) == (folder / 'x_stage2.py', 'x_stage2_fold3')
    assert [len(stage.runs) for stage in Plan(folder, {'num_folds': 10}).stages] == [1, 10, 10]
    assert [len(stage.runs) for stage in Plan(folder, {'num_folds': None}).stages] == [1, 1, 1]
    with pytest.raises(StageError, match='no stage 3'):
        plan.stage(3)


def test_folders_that_are_no_plan_are_named(folder, tmp_path_factory):
    with pytest.raises(StageError, match='no stage configs'):
        Plan(tmp_path_factory.mktemp('empty'))
    (folder / 'y_stage1.py').write_text('')
    with pytest.raises(StageError, match='several recipes'):
        Plan(folder)


@pytest.mark.parametrize('name', ['x_stage1_fold1', 'x_stage3_fold1'])
def test_files_of_folds_whose_stage_has_none_are_named(folder, name):
    (folder / 'x_stage2_fold1.py').write_text('')  # another name of a run
    Plan(folder)
    (folder / f'{name}.py').write_text('')
    with pytest.raises(StageError, match=rf'{name}\.py is there, but no {name[:8]}\.py beside it says num_folds'):
        Plan(folder)


@pytest.mark.parametrize('number', [1, 0, 2.5, '5', True])
def test_a_number_of_folds_that_is_none_is_named(folder, number):
    with pytest.raises(OptionError, match=r'x_stage2\.py: num_folds=.* is no number of folds'):
        Plan(folder, {'num_folds': number})


def test_a_config_that_cannot_be_read_is_named(folder):
    (folder / 'x_stage2.py').write_text('num_folds = (')
    with pytest.raises(StageError, match=r'x_stage2\.py cannot be read: SyntaxError'):
        Plan(folder)


def test_missing_winner_is_explained_by_commands(folder):
    winner = folder / 'work/stage2/winner.pth'
    message = explain_missing_winner(folder / 'x_stage10.py', winner)
    assert 'fold1, fold2, fold3. Train' in message
    assert f'python tools/train.py {folder}/x_stage2.py --fold 3\n' in message
    assert 'fold1, fold2. Train' in explain_missing_winner(folder / 'x_stage10.py', winner, 0, {'num_folds': 2})
    assert f'python tools/run_recipe.py {folder}' in message
    assert 'Set load_from' in explain_missing_winner('other.py', 'winner.pth')
