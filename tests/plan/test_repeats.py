"""A plan with several seeds, each in its own folders; nothing is trained."""

import importlib
import sys
from pathlib import Path

import pytest
from made_up_pool import MadeUpPool

from mmseg_custom.errors import StageError
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.plan_state import PlanState
from mmseg_custom.plan.recipe import Recipe
from mmseg_custom.reports import read_repeats, repeats_table
from mmseg_custom.reports.findings.repeats import repeat_rows, seeds_of, spreads


@pytest.fixture
def plan(tiny_recipe):
    return Plan(tiny_recipe)


def call(plan, repeat, pool=None, **options):
    pool = pool or MadeUpPool()
    recipe = Recipe(plan, pool, lambda line: None, repeat=repeat)
    recipe.run(**options)
    return recipe, pool.done


def test_everything_of_a_repeat_moves_but_data_and_folds(plan):
    plain, repeat = PlanState(plan), PlanState(plan, {'train_cfg.max_epochs': 3}, repeat=2)
    run = plan.stage(2).runs[1]
    before, cfg = plain.config(run), repeat.config(run)
    assert (before.randomness.seed, cfg.randomness.seed) == (42, 44)
    assert before.work_dir == 'work_dirs/tiny_stage2_fold2'
    assert cfg.work_dir == 'work_dirs/tiny/seed44/tiny_stage2_fold2'
    assert cfg.default_hooks.fold_average.stage_dir == 'work_dirs/tiny/seed44/stage2'
    assert cfg.load_from == 'work_dirs/tiny/seed44/stage1/winner.pth'
    assert cfg.train_dataloader.dataset == before.train_dataloader.dataset
    assert cfg.train_cfg.max_epochs == 3
    assert cfg.cfg_options == {'train_cfg.max_epochs': '3', 'randomness.seed': '44'}
    assert repeat.config(plan.stage(1).runs[0]).load_from is None
    assert (plain.folder, repeat.folder) == (Path('work_dirs/tiny'), Path('work_dirs/tiny/seed44'))


@pytest.mark.parametrize(
    ('checkpoint', 'moved'),
    [
        ('work_dirs/tiny_stage1/epoch_1.pth', 'work_dirs/tiny/seed43/tiny_stage1/epoch_1.pth'),
        ('./work_dirs/tiny/stage1/full.pth', 'work_dirs/tiny/seed43/stage1/full.pth'),
        ('work_dirs/tiny_stage10/x.pth', 'work_dirs/tiny_stage10/x.pth'),
        ('https://example.org/work_dirs/tiny/x.pth', 'https://example.org/work_dirs/tiny/x.pth'),
    ],
)
def test_checkpoints_of_the_plan_move_and_others_stay(plan, checkpoint, moved):
    key = 'model.backbone.init_cfg'
    options = {key: {'type': 'SafePretrained', 'checkpoint': checkpoint}, 'load_from': checkpoint}
    cfg = PlanState(plan, options, repeat=1).config(plan.stage(2).runs[0])
    assert (cfg.load_from, cfg.model.backbone.init_cfg.checkpoint) == (moved, moved)


def test_repeats_are_run_beside_each_other_and_resumed(plan):
    folders = [call(plan, repeat)[0].state.folder for repeat in range(3)]
    assert [folder.name for folder in folders] == ['tiny', 'seed43', 'seed44']
    seeds = [StageLedger(folder / 'stage2').entry('fold1')['seed'] for folder in folders]
    assert seeds == [42, 43, 44]
    starts = [StageLedger(folder / 'stage2').entry('fold1')['lineage']['parents'][0]['file'] for folder in folders]
    assert starts == [f'{folder}/stage1/winner.pth' for folder in folders]
    assert not Path('work_dirs/tiny_stage1/seed43').exists()
    assert call(plan, 1)[1] == []
    assert len(list(Path().glob('*.json'))) == 1  # one fold file for all


def test_an_interrupted_repeat_goes_on_where_it_was(plan):
    call(plan, 1, stages={1})
    call(plan, 1, folds={2})
    assert call(plan, 1)[1] == ['stage 2 fold1', 'stage 2 fold3', 'fusing stage 2']


def test_a_repeat_without_its_stage_before_is_refused(plan):
    call(plan, 0, stages={1})
    with pytest.raises(StageError, match=r'seed44/stage1/winner\.pth, .*run_recipe\.py .*recipe --repeats 3$'):
        call(plan, 2, stages={2})


def test_the_seed_of_a_repeat_counts_up_from_an_override(plan):
    assert PlanState(plan, {'randomness.seed': 7}, repeat=1).folder == Path('work_dirs/tiny/seed8')
    with pytest.raises(StageError, match=r'has no randomness\.seed: repeats count up'):
        PlanState(plan, {'randomness.seed': None}, repeat=1)


def test_stages_in_different_folders_cannot_be_moved(plan, tiny_recipe):
    with (tiny_recipe / 'tiny_stage2.py').open('a') as file:
        file.write("default_hooks = dict(fold_average=dict(stage_dir='work_dirs/other/stage2'))\n")
    with pytest.raises(StageError, match='stage_dir=work_dirs/other/stage2 is not in work_dirs/tiny'):
        call(plan, 1)


def test_mean_and_deviation_by_hand(plan):
    for repeat in range(3):
        call(plan, repeat)
    records = read_repeats('work_dirs/tiny')
    assert seeds_of(records) == ['42', '43', '44']
    found = {(spread.stage, spread.name): spread.scores for spread in spreads(records)}
    # runs: 30 + stage + seed % 10; best_fold 1 more, all_folds 2 more
    assert found == {
        (1, 'winner'): [34, 35, 36],
        (2, 'winner'): [36, 37, 38],
        (2, 'best_fold'): [35, 36, 37],
        (2, 'all_folds'): [36, 37, 38],
    }
    assert repeat_rows(records)[1] == ['2', 'winner', '3', '37.00', '1.00', '36.00, 37.00, 38.00']
    assert repeats_table(records).endswith('seeds: 42, 43, 44')


def test_a_repeat_that_has_not_started_is_left_out(plan):
    call(plan, 0)
    call(plan, 1, stages={1})
    Path('work_dirs/tiny/seed44').mkdir()
    rows = repeat_rows(read_repeats('work_dirs/tiny'))
    assert rows[0] == ['1', 'winner', '2', '34.50', '0.71', '34.00, 35.00']
    assert rows[1] == ['2', 'winner', '1', '36.00', '', '36.00']


@pytest.fixture
def run_recipe(plan, monkeypatch, capsys):
    """A function that calls the tool with options and returns what it says."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / 'tools'))
    tool = importlib.import_module('run_recipe')
    monkeypatch.setattr(tool, 'build_pool', lambda args: MadeUpPool())
    monkeypatch.setattr('mmseg_custom.reports.report_line', lambda folder, *_: f'report of {folder}')

    def run(*options):
        monkeypatch.setattr(sys, 'argv', ['run_recipe.py', str(plan.path), *options])
        tool.main(tool.parse_args())
        return capsys.readouterr().out

    return run


def test_the_tool_shows_repeats_before_and_sums_them_up_after(run_recipe):
    shown = run_recipe('--repeats', '2', '--dry-run').splitlines()
    assert shown[0] == 'repeat 1 of 2, work_dirs/tiny:'
    assert shown[5] == 'repeat 2 of 2, work_dirs/tiny/seed43:'
    assert shown[7].endswith('epochs from work_dirs/tiny/seed43/stage1/winner.pth')
    assert not Path('work_dirs').exists()
    said = run_recipe('--repeats', '2')
    assert '| 36.00, 37.00 |' in said
    assert said.rstrip().endswith('seeds: 42, 43\nreport of work_dirs/tiny')
    assert 'deviation' not in run_recipe()


def test_less_than_one_repeat_is_refused(run_recipe, capsys):
    with pytest.raises(SystemExit):
        run_recipe('--repeats', '0')
    assert 'argument --repeats: 0 is out of range: use 1 or more' in capsys.readouterr().err
