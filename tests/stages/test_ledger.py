import pytest
import torch
from scorers import scorer_of

from mmseg_custom.engine.checkpoint_io import (
    hash_weights,
    load_checkpoint_file,
    load_weights,
    save_checkpoint_file,
)
from mmseg_custom.engine.files import JsonError
from mmseg_custom.stages import StageError, StageLedger, choose_winner
from mmseg_custom.stages.ledger import member_names

FOLDS = member_names(3)


def finish(ledger, name, value, score):
    weights = {'w': torch.tensor([value])}
    checkpoint = ledger.folder / f'{name}_best.pth'
    save_checkpoint_file({'state_dict': weights, 'meta': {'dataset_meta': {'classes': ('a',)}}}, checkpoint)
    lineage = {'parents': [], 'seen': [{'split': 'train', 'folds': 'x', 'parts': [int(name[-1])]}]}
    entry = {'weights': hash_weights(weights), 'val': {'mIoU': score}, 'lineage': lineage, 'num_folds': 3}
    ledger.record(name, entry, checkpoint)


@pytest.fixture
def ledger(tmp_path):
    ledger = StageLedger(tmp_path / 'stage2')
    for name, value, score in (('fold3', 9.0, 10.0), ('fold1', 1.0, 30.0), ('fold2', 2.0, 20.0)):
        finish(ledger, name, value, score)
    return ledger


def closeness_to(target):
    return scorer_of(lambda weights: 100 - abs(float(weights['w']) - target))


def test_members_of_a_stage():
    assert member_names(None) == ['full']
    assert FOLDS == ['fold1', 'fold2', 'fold3']


def test_winner_is_the_best_candidate(ledger):
    outcome = choose_winner(ledger, FOLDS, closeness_to(4.0))
    assert outcome['winner'] == 'all_folds'
    assert outcome['candidates']['top2']['members'] == ['fold1', 'fold2']
    winner = load_checkpoint_file(ledger.winner_path)
    assert winner['state_dict']['w'] == 4.0
    assert [images['parts'] for images in winner['meta']['lineage']['seen']] == [[1], [2], [3]]
    assert winner['meta']['dataset_meta'] == {'classes': ('a',)}
    assert ledger.outcome()['weights'] == hash_weights(winner['state_dict'])


def test_best_fold_wins_as_it_is(ledger):
    outcome = choose_winner(ledger, FOLDS, scorer_of(lambda weights: 30.0))
    assert outcome['winner'] == 'best_fold'
    assert load_weights(ledger.winner_path)['w'] == 1.0


def test_outcome_is_void_once_a_fold_is_trained_anew(ledger):
    choose_winner(ledger, FOLDS, closeness_to(4.0))
    assert ledger.outcome() is not None
    finish(ledger, 'fold2', 5.0, 20.0)
    assert ledger.outcome() is None


def test_incomplete_stage_names_its_missing_folds(ledger):
    (ledger.folder / 'fold2.json').unlink()
    assert ledger.missing(FOLDS) == ['fold2']
    with pytest.raises(StageError, match='fold2 not finished'):
        choose_winner(ledger, FOLDS, closeness_to(0.0))


def test_exchanged_or_lost_weights_are_noticed(ledger):
    save_checkpoint_file({'state_dict': {'w': torch.tensor([7.0])}, 'meta': {}}, ledger.weights_path('fold1'))
    with pytest.raises(StageError, match=r'fold1\.pth are not those'):
        choose_winner(ledger, FOLDS, closeness_to(0.0))
    ledger.weights_path('fold1').unlink()
    with pytest.raises(StageError, match=r'fold1\.pth is gone'):
        ledger.missing(FOLDS)


def test_a_changed_score_is_noticed(ledger):
    path = ledger.record_path('fold2')
    path.write_text(path.read_text().replace('20.0', '60.0'))
    with pytest.raises(JsonError, match=r'fold2\.json is damaged'):
        choose_winner(ledger, FOLDS, closeness_to(0.0))


def test_runs_are_put_aside_and_the_others_stay(ledger):
    choose_winner(ledger, FOLDS, closeness_to(4.0))
    moved = ledger.put_aside(['fold2'])
    names = {path.name for path in moved.iterdir()}
    assert {'fold2.json', 'fold2.pth', 'stage.json', 'winner.pth', 'all_folds.pth', 'top2.pth'} <= names
    assert ledger.missing(FOLDS) == ['fold2']
    assert load_weights(ledger.weights_path('fold1'))['w'] == 1.0
    assert ledger.put_aside(['fold2']) is None
