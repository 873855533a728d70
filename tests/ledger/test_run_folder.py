from pathlib import Path

import pytest

from mmseg_custom.errors import StageError
from mmseg_custom.io.files import write_bytes
from mmseg_custom.ledger.run_folder import one_model_of, runs_of, stage_of
from mmseg_custom.ledger.stage_ledger import StageLedger


@pytest.fixture
def run(tmp_path):
    """A run of two stages of two folds, the first one complete and with a winner, the second one half done."""
    write_bytes(b'weights', tmp_path / 'net.pth')
    add(tmp_path / 'run/stage1', 'fold1', 'fold2')
    add(tmp_path / 'run/stage2', 'fold1')
    StageLedger(tmp_path / 'run/stage1').record_outcome({'runs': {}}, tmp_path / 'net.pth')
    return tmp_path / 'run'


def add(stage, *names):
    for name in names:
        StageLedger(stage).record(name, {'num_folds': 2, 'weights': name}, stage.parents[1] / 'net.pth')


def names(files):
    return [f'{file.parent.name}/{file.name}' for file in files]


def test_run_is_its_last_complete_stage(run):
    assert stage_of(run) == run / 'stage1'
    assert names(runs_of(run)) == ['stage1/fold1.pth', 'stage1/fold2.pth']
    add(run / 'stage2', 'fold2')
    assert names(runs_of(run)) == ['stage2/fold1.pth', 'stage2/fold2.pth']


def test_while_no_stage_is_complete_it_is_the_first_that_has_a_run(run):
    for record in (run / 'stage1').glob('fold2.*'):
        record.unlink()
    assert stage_of(run) == run / 'stage1'


def test_stages_are_in_the_order_of_their_numbers(run):
    add(run / 'stage10', 'fold1', 'fold2')
    add(run / 'stage2', 'fold2')
    assert stage_of(run) == run / 'stage10'


def test_checkpoints_and_stages_are_what_they_are(run):
    assert runs_of('net.pth') == [Path('net.pth')]
    assert one_model_of('net.pth') == Path('net.pth')
    assert names(runs_of(run / 'stage2')) == ['stage2/fold1.pth']


def test_one_model_is_the_refitted_one_before_the_winner(run):
    assert names([one_model_of(run)]) == ['stage1/winner.pth']
    StageLedger(run / 'refit').record('full', {'num_folds': None, 'weights': 'full'}, run.parent / 'net.pth')
    assert names([one_model_of(run)]) == ['refit/full.pth']


def test_several_networks_of_which_none_was_chosen_are_no_model(run):
    (run / 'stage1/stage.json').unlink()
    with pytest.raises(StageError, match='is 2 networks, and none of them was chosen'):
        one_model_of(run)
    with pytest.raises(StageError, match='holds no finished run'):
        runs_of(run.parent)
