import math
from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_custom.config import ConfigError, load_run_config
from mmseg_custom.errors import StageError
from mmseg_custom.inference.model_source import open_predictor
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.ledger.changes import RUN_FILE
from mmseg_custom.ledger.ledger_record import write_ledger_record
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.ledger.trained_config import find_record, load_trained_config, options_with_trained, trained_options
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.recipe import Recipe
from mmseg_custom.reports.findings import examine_winner, read_recipe

# Another architecture, a tuple, and a value without a literal.
OPTIONS = {
    'model.decode_head.channels': 12,
    'test_dataloader.dataset.pipeline.3.scale': (48, 32),
    'train_cfg.max_epochs': 1,
    'log_processor.mean_pattern': 'loss',
    'train_cfg.val_begin': -math.inf,
}


@pytest.fixture
def config(tiny_recipe):
    return tiny_recipe / 'tiny_stage1.py'


def test_recipe_remembers_its_overrides(tiny_recipe):
    Recipe(Plan(tiny_recipe, OPTIONS), LocalPool(1), lambda line: None).run(stages={1})
    winner = Path('work_dirs/tiny/stage1/winner.pth')
    assert trained_options(find_record(winner)) == OPTIONS
    best = next(Path('work_dirs/tiny_stage1').glob('best*.pth'))
    assert trained_options(find_record(best)) == OPTIONS
    assert options_with_trained(winner, {'train_cfg.max_epochs': 3}) == OPTIONS | {'train_cfg.max_epochs': 3}
    recipe = read_recipe('work_dirs/tiny')
    assert recipe.options == OPTIONS
    assert len(examine_winner(recipe, recipe.options).scores) == 4
    assert open_predictor(winner, device='cpu').network.model.decode_head.channels == 12


def test_given_overrides_win(config):
    write_ledger_record({'cfg_options': {'train_cfg.max_epochs': '7', 'log_level': "'ERROR'"}}, RUN_FILE)
    cfg = load_trained_config('best.pth', config, {'train_cfg.max_epochs': 9})
    assert (cfg.train_cfg.max_epochs, cfg.log_level) == (9, 'ERROR')
    assert cfg.cfg_options == {'train_cfg.max_epochs': '9', 'log_level': "'ERROR'"}


def test_runs_have_their_own_record_and_averages_that_of_the_first(tmp_path):
    weights = tmp_path / 'weights.pth'
    weights.touch()
    ledger = StageLedger(tmp_path / 'stage2')
    for fold in (1, 2):
        ledger.record(f'fold{fold}', {'config': f'c{fold}.py'}, weights)
    found = {name: find_record(ledger.folder / f'{name}.pth')['config'] for name in ('fold1', 'fold2', 'winner')}
    assert found == {'fold1': 'c1.py', 'fold2': 'c2.py', 'winner': 'c1.py'}
    assert find_record(ledger.folder)['config'] == 'c1.py'
    assert trained_options(find_record(ledger.folder)) == {}


def test_weights_from_elsewhere_need_a_config(tmp_path, config):
    assert find_record(tmp_path / 'weights.pth') is None
    with pytest.raises(StageError, match=r'weights\.pth: name its config before it'):
        load_trained_config(tmp_path / 'weights.pth')
    assert 'cfg_options' not in load_trained_config(tmp_path / 'weights.pth', config)


def test_overrides_survive_a_dumped_config(config, tmp_path):
    options = {key: value for key, value in OPTIONS.items() if value != -math.inf}  # MMSegmentation cannot dump it
    load_run_config(config, cfg_options=options).dump(tmp_path / 'dumped.py')
    again = load_run_config(tmp_path / 'dumped.py', cfg_options={'log_level': 'ERROR'})
    assert trained_options(again) == {**options, 'log_level': 'ERROR'}
    assert isinstance(Config.fromfile(tmp_path / 'dumped.py').cfg_options, dict)


def test_config_that_is_not_there_says_where_to_start(tiny_recipe, tmp_path, monkeypatch):
    Recipe(Plan(tiny_recipe.relative_to(tmp_path)), LocalPool(1), lambda line: None).run(stages={1})
    monkeypatch.chdir('/')
    with pytest.raises(ConfigError, match=r'tiny_stage1\.py.* from the folder it was trained in'):
        load_trained_config(tmp_path / 'work_dirs/tiny/stage1/winner.pth')
    recipe = read_recipe(tmp_path / 'work_dirs/tiny')
    with pytest.raises(ConfigError, match=r'tiny_stage1\.py.* from the folder it was trained in'):
        examine_winner(recipe)
