import pytest

from mmseg_custom.errors import StageError
from mmseg_custom.plan.plan import Plan, explain_missing_winner


@pytest.fixture
def folder(tmp_path):
    names = [
        'x_stage1',
        'x_stage10_fold1',
        'x_stage2',
        'x_stage2_fold2',
        'x_stage2_fold10',
        'x_stage2_fold1',
        'notes',
    ]
    for name in names:
        (tmp_path / f'{name}.py').write_text('')
    return tmp_path


def test_folder_is_the_plan(folder):
    plan = Plan(folder)
    assert [(stage.number, stage.run_names) for stage in plan.stages] == [
        (1, ['full']),
        (2, ['fold1', 'fold2', 'fold10']),
        (10, ['fold1']),
    ]
    assert plan.stage(2).runs[2].config == folder / 'x_stage2_fold10.py'
    with pytest.raises(StageError, match='no stage 3'):
        plan.stage(3)


def test_folders_that_are_no_plan_are_named(folder, tmp_path_factory):
    with pytest.raises(StageError, match='no stage configs'):
        Plan(tmp_path_factory.mktemp('empty'))
    (folder / 'y_stage1.py').write_text('')
    with pytest.raises(StageError, match='several recipes'):
        Plan(folder)


def test_missing_winner_is_explained_by_commands(folder):
    message = explain_missing_winner(folder / 'x_stage10_fold1.py', folder / 'work/stage2/winner.pth')
    assert 'fold1, fold2, fold10' in message
    assert f'python tools/train.py {folder}/x_stage2_fold10.py' in message
    assert f'python tools/run_recipe.py {folder}' in message
    assert 'Set load_from' in explain_missing_winner('other.py', 'winner.pth')
