"""Plans that end behind a stage without a significant gain; nothing is trained."""

import pytest
from made_up_pool import MadeUpPool

from mmseg_custom.fusion.gain import no_significant_gain
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.plan.early_stop import ended_by
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.recipe import Recipe
from mmseg_custom.reports import recipe_table
from mmseg_custom.reports.charts.plan_diagram import lay_out
from mmseg_custom.reports.findings import read_recipe
from mmseg_custom.reports.findings.facts import headline

REASON = 'its winner has no significant gain over its initial weights: +0.50 points of mIoU on val [-1.00, +2.00]'
TRAINED = [f'stage 3 fold{fold}' for fold in (1, 2, 3)]


@pytest.fixture
def plan(tiny_recipe):
    """Three stages."""
    for path in sorted(tiny_recipe.glob('tiny_stage2*.py')):
        text = path.read_text().replace('stage1/winner', 'stage2/winner').replace("tiny/stage2'", "tiny/stage3'")
        path.with_name(path.name.replace('stage2', 'stage3')).write_text(text.replace('tiny_stage2', 'tiny_stage3'))
    return Plan(tiny_recipe)


def call(plan, flat=(2,), stop=False, **options):
    lines, pool = [], MadeUpPool(flat)
    recipe = Recipe(plan, pool, lines.append, early_stop=stop)
    recipe.run(**options)
    return recipe, pool.done, lines


def test_a_flat_stage_ends_nothing_unless_told_to(plan):
    _, done, _ = call(plan)
    assert done[-4:] == [*TRAINED, 'fusing stage 3']


def test_a_stage_with_a_sure_gain_ends_nothing(plan):
    _, done, lines = call(plan, flat=(), stop=True)
    assert done[-4:] == [*TRAINED, 'fusing stage 3']
    assert not any('ends the plan' in line for line in lines)


def test_told_to_a_flat_stage_ends_the_plan_for_good(plan):
    recipe, done, lines = call(plan, stop=True)
    assert done[-1] == 'fusing stage 2'
    assert lines[-2:] == [
        f'stage 2 ends the plan: {REASON}.',
        'stage 3: not run: stage 2 had no significant gain; --past-early-stop runs it',
    ]
    assert StageLedger('work_dirs/tiny/stage2').outcome()['early_stop'] == REASON
    assert 'not run: stage 2 had no significant gain' in recipe_table(recipe.ledgers())
    states = [line.split(' epochs from')[0] for line in recipe.describe()]
    assert states[3:5] == [
        'stage 2 fold3  finished    2',
        'stage 3 fold1  not run: stage 2 had no significant gain (--past-early-stop);   2',
    ]
    assert recipe.describe(past_early_stop=True)[4].startswith('stage 3 fold1  to train ')
    _, done, lines = call(plan, stages={3})
    assert (done, lines) == ([], ['stage 3: not run: stage 2 had no significant gain; --past-early-stop runs it'])


def test_a_stage_that_was_fused_before_can_end_the_plan(plan):
    call(plan, stages={1, 2})
    _, done, _ = call(plan, stop=True)
    assert done == []


def test_told_so_the_plan_goes_on_and_that_is_remembered(plan):
    call(plan, stop=True)
    _, done, _ = call(plan, past_early_stop=True, stop=True, folds={2})
    assert done == ['stage 3 fold2']
    recipe, done, lines = call(plan, flat=(2, 3), stop=True)
    assert done == ['stage 3 fold1', 'stage 3 fold3', 'fusing stage 3']
    assert 'stage 3 ends the plan' in lines[-1]
    assert ended_by({number: ledger.outcome() for number, ledger in recipe.ledgers().items()}) == 3


def test_an_outcome_made_anew_is_evaluated_anew(plan):
    call(plan, stop=True)
    MadeUpPool()._fuse('work_dirs/tiny/stage2', None, None, None)
    assert call(plan, stop=True)[1][-1] == 'fusing stage 3'


def test_the_report_says_why(plan):
    call(plan, stop=True)
    recipe = read_recipe('work_dirs/tiny')
    found = headline(recipe)
    assert found['end'] == f'Stage 2 ended the plan: {REASON}.'
    assert found['progress'] == ' of 3; the later ones are not run: stage 2 had no significant gain'
    chart = lay_out(recipe)
    assert ' '.join(chart.headings[2][1]) == 'stage 3 not run: stage 2 had no significant gain'
    assert [box.lines for box in chart.boxes][-3:] == [[f'fold{fold}', 'not run'] for fold in (1, 2, 3)]


def test_a_stage_with_an_unknown_gain_says_that_it_ends_nothing(plan):
    assert not no_significant_gain({})
    pool, lines = MadeUpPool(), []
    pool.gains = False
    Recipe(plan, pool, lines.append, early_stop=True).run()
    assert pool.done[-1] == 'fusing stage 3'
    assert sum('cannot end the plan: its gain over its initial weights is not known' in line for line in lines) == 2
