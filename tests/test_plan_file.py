"""A plan in one file: what its stages come to, and how their names are read."""

import pytest
from mmengine.config import Config

from mmseg_custom.config import load_run_config
from mmseg_custom.errors import StageError
from mmseg_custom.plan.plan import Plan, explain_missing_winner
from mmseg_custom.plan_file import plan_of, read_config, stage_config

BASE = "load_from = None\ndefault_hooks = dict(fold_average=dict(type='FoldAverageHook', stage_dir=None))\n"
PLAN = """
_base_ = './runtime.py'
num_folds = 3
train_dataloader = dict(batch_size=4, dataset=dict(folds=dict(file='folds_{num_folds}.json')))
stage1 = dict(_base_='./short.py', num_folds=None, load_from='pretrained.pth')
stage2 = dict(_base_=['./short.py'], train_cfg=dict(max_epochs=7), model=dict(_delete_=True, type='Other'))
stage10 = dict(train_dataloader=dict(batch_size=8), default_hooks=dict(fold_average=dict(stage_dir='elsewhere')))
"""


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'runtime.py').write_text(BASE)
    (tmp_path / 'short.py').write_text("train_cfg = dict(type='Loop', max_epochs=1)\n")
    (tmp_path / 'city.py').write_text(PLAN + "model = dict(type='Net', depth=10)\n")
    return tmp_path / 'city.py'


def test_a_stage_is_what_all_share_its_base_and_what_it_changes(plan):
    first, second, last = (read_config(f'city_stage{number}.py') for number in (1, 2, 10))
    assert first.train_cfg == {'type': 'Loop', 'max_epochs': 1}
    assert second.train_cfg == {'type': 'Loop', 'max_epochs': 7}
    assert (first.model, second.model) == ({'type': 'Net', 'depth': 10}, {'type': 'Other'})
    assert (first.train_dataloader.batch_size, last.train_dataloader.batch_size) == (4, 8)
    assert not {'stage1', 'stage2', 'stage10', '_base_'} & second.keys()
    assert 'train_cfg' not in last


def test_a_stage_starts_from_the_winner_before_and_has_a_folder_of_its_own(plan):
    stages = [read_config(f'city_stage{number}.py') for number in (1, 2, 10)]
    assert [cfg.load_from for cfg in stages] == [
        'pretrained.pth',
        'work_dirs/city/stage1/winner.pth',
        'work_dirs/city/stage2/winner.pth',
    ]
    folders = [cfg.default_hooks.fold_average.stage_dir for cfg in stages]
    assert folders == ['work_dirs/city/stage1', 'work_dirs/city/stage2', 'elsewhere']


def test_a_stage_is_a_config_like_any_other(plan):
    cfg = load_run_config('city_stage2.py', cfg_options={'num_folds': 4}, fold=2)
    assert (cfg.work_dir, cfg.filename) == ('work_dirs/city_stage2_fold2', 'city_stage2.py')
    assert cfg.train_dataloader.dataset == {'folds': {'file': 'folds_4.json', 'num_folds': 4}, 'fold': 2}
    assert 'num_folds' not in load_run_config('city_stage1.py')
    cfg.dump('dumped.py')
    assert Config.fromfile('dumped.py').to_dict() == cfg.to_dict()


def test_its_stages_and_runs(plan):
    read = Plan(plan)
    assert [(stage.number, len(stage.runs)) for stage in read.stages] == [(1, 1), (2, 3), (10, 3)]
    run = read.stage(2).runs[1]
    assert (run.config, run.full_name) == (stage_config(plan, 2), 'city_stage2_fold2')
    assert run.command == f'python tools/train.py {plan.parent}/city_stage2.py --fold 2'
    assert read.command == f'python tools/run_recipe.py {plan}'
    assert Plan.around(stage_config(plan, 2)).path == plan
    message = explain_missing_winner('city_stage2.py', 'work_dirs/city/stage1/winner.pth')
    assert 'python tools/train.py city_stage1.py\nor the whole plan: python tools/run_recipe.py city.py' in message


def test_a_plan_of_another_takes_its_stages(plan):
    plan.with_name('town.py').write_text("_base_ = './city.py'\nstage2 = dict(train_cfg=dict(max_epochs=9))\n")
    cfg = read_config('town_stage2.py')
    assert (cfg.train_cfg.max_epochs, cfg.model, cfg.load_from) == (
        9,
        {'type': 'Other'},
        'work_dirs/town/stage1/winner.pth',
    )


def test_a_file_of_its_own_comes_before_a_stage_of_a_plan(plan):
    assert plan_of('city_stage2.py') is not None and plan_of('town_stage2.py') is None
    plan.with_name('city_stage2.py').write_text('num_folds = 2\n')
    assert plan_of('city_stage2.py') is None
    assert read_config('city_stage2.py').to_dict() == {'num_folds': 2}


@pytest.mark.parametrize(
    ('text', 'name', 'message'),
    [
        ('', 'city.py', r'city\.py is a plan of stages 1, 2, 10: name one of them, city_stage1\.py, or run all'),
        ('', 'city_stage3.py', r'city\.py has no stage3: it says \[1, 2, 10\]'),
        ('stage3 = 5\n', 'city_stage3.py', r'city\.py has no stage3'),
        ("stage3 = dict(_base_='./gone.py')\n", 'city_stage3.py', r'gone\.py, the _base_ of stage3, is not there'),
        (
            "stage3 = dict(_base_='./runtime.py')\n",
            'city_stage3.py',
            r'runtime\.py and what all .* both say def',
        ),
    ],
)
def test_what_cannot_be_meant_ends_in_a_sentence(plan, text, name, message):
    plan.write_text(plan.read_text() + text)
    with pytest.raises(StageError, match=message):
        load_run_config(name)


def test_a_file_without_stages_is_no_plan(plan):
    with pytest.raises(StageError, match=r'short\.py is no plan: it says no stage1'):
        Plan(plan.with_name('short.py'))
