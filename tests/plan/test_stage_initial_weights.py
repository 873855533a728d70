"""Folds that start from their own fold of the stage before; nothing is trained."""

import pytest
from made_up_pool import MadeUpPool
from tiny_stage import load_run

from mmseg_custom.errors import StageError
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.plan_state import PlanState
from mmseg_custom.plan.recipe import Recipe
from mmseg_custom.reports.charts.plan_diagram import lay_out
from mmseg_custom.reports.findings import read_recipe

OWN_FOLD = {'default_hooks.fold_average.init': 'own_fold'}
STAGE1 = 'work_dirs/tiny/stage1'


@pytest.fixture
def plan(tiny_recipe):
    """Two stages of three folds."""
    with (tiny_recipe / 'tiny_stage1.py').open('a') as file:
        file.write('num_folds = 3\n')
    return Plan(tiny_recipe, OWN_FOLD)


def recipe_of(plan, **options):
    return Recipe(plan, MadeUpPool(), lambda line: None, **options)


@pytest.mark.parametrize(
    ('name', 'start', 'expected'),
    [
        ('tiny_stage2_fold3', f'{STAGE1}/winner.pth', f'{STAGE1}/fold3.pth'),
        ('tiny_stage2_fold3', 'pretrained.pth', 'pretrained.pth'),
        ('tiny_stage2_fold3', None, None),
        ('tiny_stage2', f'{STAGE1}/winner.pth', f'{STAGE1}/winner.pth'),
    ],
)
def test_own_fold_takes_the_place_of_a_winner_alone(plan, name, start, expected):
    assert load_run(plan.path, name, options={'load_from': start, **OWN_FOLD}).load_from == expected
    assert load_run(plan.path, name, options={'load_from': start}).load_from == start


def test_the_dry_run_says_what_each_fold_starts_from(plan):
    starts = [line.split(' from ')[1] for line in recipe_of(plan).describe()]
    assert starts == [*['scratch'] * 3, *[f'{STAGE1}/fold{fold}.pth' for fold in (1, 2, 3)]]


def test_the_recipe_follows_the_folds_and_so_does_the_diagram(plan):
    recipe_of(plan).run()
    entries = [StageLedger('work_dirs/tiny/stage2').entry(f'fold{fold}') for fold in (1, 2, 3)]
    parents = [entry['lineage']['parents'][0]['file'] for entry in entries]
    assert parents == [f'{STAGE1}/fold{fold}.pth' for fold in (1, 2, 3)]
    chart = lay_out(read_recipe('work_dirs/tiny'))
    assert [' '.join(lines) for _, lines in chart.headings] == [
        'stage 1 2 epochs',
        'stage 2 2 epochs each from its own fold of the stage before',
    ]
    assert len(chart.links) == 2 * (1 + 3)  # best_fold and all_folds of each stage


def test_repeats_follow_their_own_folds(plan):
    config = PlanState(plan, repeat=1).config(plan.stage(2).runs[0])
    assert config.load_from == 'work_dirs/tiny/seed43/stage1/fold1.pth'


def test_a_start_that_is_missing_is_named_with_its_command(plan):
    recipe_of(plan).run(stages={1}, folds={1})
    with pytest.raises(StageError, match=r'(?s)from .*fold2\.pth.*still lacks fold2\. .*tiny_stage1\.py --fold 2'):
        recipe_of(plan).run(stages={2})
    recipe_of(plan).run(stages={2}, folds={1})
    assert StageLedger('work_dirs/tiny/stage2').finished_runs() == ['fold1']


def test_a_first_stage_without_folds_is_named(plan):
    config = plan.path / 'tiny_stage1.py'
    config.write_text(config.read_text().replace('num_folds = 3\n', ''))
    whole = Plan(plan.path, OWN_FOLD)
    with pytest.raises(StageError, match=r"Stage 1 has no fold1: with fold_average\.init='own_fold' it needs"):
        recipe_of(whole).run()
