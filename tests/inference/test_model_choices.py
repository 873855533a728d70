from pathlib import Path

import pytest

from mmseg_custom.inference.errors import InputError
from mmseg_custom.inference.model_choices import ModelChoice, find_models, model_loader
from mmseg_custom.inference.model_source import open_predictor, split_config
from mmseg_custom.inference.networks import Ensemble
from mmseg_custom.io.files import write_json
from mmseg_custom.ledger.stage_ledger import StageLedger


@pytest.fixture
def recipe(config, checkpoint):
    """The folder of a recipe: a stage without folds, and two folds of a stage that has no winner yet."""
    for stage, names in ((1, ['full']), (2, ['fold1', 'fold2'])):
        ledger = StageLedger(f'work_dirs/tiny/stage{stage}')
        for name in names:
            ledger.record(name, {'config': str(config), 'num_folds': None}, checkpoint)
    StageLedger('work_dirs/tiny/stage1').record_outcome({'runs': {}}, checkpoint)
    return Path('work_dirs/tiny')


def test_recipe_offers_winners_and_ensembles_the_last_stage_first(recipe):
    assert list(find_models([str(recipe)])) == ['tiny stage2: all 2 folds together', 'tiny stage1: winner']


def test_stage_offers_every_run_too(recipe):
    names = list(find_models([str(recipe / 'stage2')]))
    assert names == ['tiny stage2: all 2 folds together', 'tiny stage2: fold1', 'tiny stage2: fold2']


def test_folder_of_a_stage_predicts_with_all_folds_and_its_own_config(recipe, image, config, checkpoint):
    together = open_predictor(recipe / 'stage2', device='cpu', keep_scores=True)
    assert isinstance(together.network, Ensemble) and len(together.network.members) == 2
    prediction = together.predict(image)
    assert prediction.scores.shape == (19, 32, 64)
    assert prediction.scores.sum(0) == pytest.approx(1, abs=1e-4)
    alone = open_predictor(checkpoint, config, device='cpu').predict(image)
    assert (prediction.classes == alone.classes).mean() > 0.99
    assert alone.scores is None


def test_checkpoints_and_files(config, checkpoint):
    Path('m.onnx').touch()
    assert find_models([str(checkpoint), 'm.onnx'], 'c.py') == {
        str(checkpoint): ModelChoice(checkpoint, 'c.py'),
        'm.onnx': ModelChoice(Path('m.onnx'), 'c.py'),
    }
    with pytest.raises(InputError, match='name its config'):
        find_models([str(checkpoint)])
    with pytest.raises(InputError, match='no such file'):
        find_models(['gone.pth'], 'c.py')
    with pytest.raises(InputError, match='no finished run'):
        find_models(['.'])


def test_loaded_models_are_kept(recipe):
    choices = find_models([str(recipe)])
    load = model_loader(choices, 'cpu')
    assert load('tiny stage1: winner') is load('tiny stage1: winner')


def test_broken_record_is_no_traceback(recipe):
    write_json({'version': 99}, recipe / 'stage2/fold1.json')
    with pytest.raises(Exception, match='has version 99'):
        find_models([str(recipe / 'stage2')])


def test_config_is_told_from_models_by_its_suffix():
    assert split_config(['c.py', 'm.pth', 'x.png']) == ('c.py', ['m.pth', 'x.png'])
    assert split_config(['m.onnx', 'x.png']) == (None, ['m.onnx', 'x.png'])
    assert split_config([]) == (None, [])
