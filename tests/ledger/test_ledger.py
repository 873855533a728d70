from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from scorers import scorer_of

from mmseg_custom.errors import StageError
from mmseg_custom.fusion.average_files import average_files
from mmseg_custom.fusion.fuse_stage import choose_winner
from mmseg_custom.io.checkpoints.checkpoint_file import (
    CheckpointError,
    hash_weights,
    load_checkpoint_file,
    load_weights,
    save_checkpoint_file,
)
from mmseg_custom.io.files import JsonError
from mmseg_custom.io.records import read_record, write_record
from mmseg_custom.ledger.held_out_counts import HeldOutCounts, counts_file, read_counts, write_counts
from mmseg_custom.ledger.stage_ledger import StageLedger, names_of_runs

FOLDS = names_of_runs(3)


def finish(ledger, name, value, score):
    weights = {'w': torch.tensor([value])}
    checkpoint = ledger.folder.parent / f'{name}_best.pth'
    save_checkpoint_file({'state_dict': weights, 'meta': {'dataset_meta': {'classes': ('a',)}}}, checkpoint)
    lineage = {'parents': [], 'seen': [{'split': 'train', 'folds': 'x', 'parts': [int(name[-1])]}]}
    entry = {'weights': hash_weights(weights), 'val': {'mIoU': score}, 'lineage': lineage}
    entry |= {'num_folds': 3, 'experiment': {}}
    ledger.record(name, entry, checkpoint)


@pytest.fixture
def ledger(tmp_path):
    ledger = StageLedger(tmp_path / 'stage2')
    for name, value, score in (('fold3', 9.0, 10.0), ('fold1', 1.0, 30.0), ('fold2', 2.0, 20.0)):
        finish(ledger, name, value, score)
    return ledger


def closeness_to(target):
    return scorer_of(lambda weights: 100 - abs(float(weights['w']) - target))


def test_names_of_the_runs_of_a_stage():
    assert names_of_runs(None) == ['full']
    assert FOLDS == ['fold1', 'fold2', 'fold3']


def test_winner_is_the_best_candidate(ledger):
    outcome = choose_winner(ledger, FOLDS, closeness_to(4.0))
    assert outcome['winner'] == 'all_folds'
    assert outcome['candidates']['top2']['ingredients'] == ['fold1', 'fold2']
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


def assert_records_are_of_their_weights(ledger):
    for name in ledger.finished_runs():
        assert (
            hash_weights(load_weights(ledger.weights_path(name))) == read_record(ledger.record_path(name))['weights']
        )
    if (ledger.folder / 'stage.json').is_file():
        outcome = read_record(ledger.folder / 'stage.json')
        assert hash_weights(load_weights(ledger.winner_path)) == outcome['weights']
        for candidate in outcome['candidates'].values():
            assert hash_weights(load_weights(ledger.folder / candidate['file'])) == candidate['weights']


def cut_at_each_rename(monkeypatch, prepare, action):
    """Let an action be killed before its first, second, ... rename, and at last come to its end; yield after each."""
    rename = Path.replace
    for kill_at in count():
        monkeypatch.setattr(Path, 'replace', rename)
        prepare()
        done = iter(range(100))

        def replace(path, target, kill_at=kill_at, done=done):
            if next(done) == kill_at:
                raise KeyboardInterrupt
            return rename(path, target)

        monkeypatch.setattr(Path, 'replace', replace)
        try:
            action()
        except KeyboardInterrupt:
            yield kill_at
        else:
            yield None
            return


def test_a_kill_while_a_stage_is_fused_again_leaves_no_contradiction(ledger, monkeypatch):
    def fuse(target):
        return choose_winner(ledger, FOLDS, closeness_to(target))['winner']

    assert (fuse(4.0), fuse(1.5)) == ('all_folds', 'top2')
    kills = []
    for kill in cut_at_each_rename(monkeypatch, lambda: fuse(4.0), lambda: fuse(1.5)):
        kills.append(kill)
        assert_records_are_of_their_weights(ledger)
    assert len(kills) > 4
    assert ledger.outcome() is not None
    assert not (ledger.folder / 'fusing').exists()


def test_a_kill_while_a_run_is_recorded_again_leaves_no_contradiction(ledger, monkeypatch):
    def record(value):
        finish(ledger, 'fold2', value, 20.0)

    for _ in cut_at_each_rename(monkeypatch, lambda: record(2.0), lambda: record(5.0)):
        assert_records_are_of_their_weights(ledger)
    assert ledger.missing(FOLDS) == []


def test_a_fusing_that_fails_leaves_the_outcome_as_it_was(ledger):
    choose_winner(ledger, FOLDS, closeness_to(4.0))
    before = {path.name: path.read_bytes() for path in ledger.folder.glob('*.*')}

    def fail(order):
        raise OSError('the images are gone')

    with pytest.raises(OSError, match='the images are gone'):
        choose_winner(ledger, FOLDS, fail)
    assert {path.name: path.read_bytes() for path in ledger.folder.glob('*.*')} == before


def test_an_average_is_not_written_over_what_a_stage_has(ledger):
    choose_winner(ledger, FOLDS, closeness_to(4.0))
    inputs = [ledger.weights_path(name) for name in ('fold1', 'fold2')]
    for name in ('fold3', 'winner', 'top2'):
        with pytest.raises(CheckpointError, match=rf'{name}\.pth belongs to the ledger of a stage: name another'):
            average_files(inputs, ledger.weights_path(name))
    average_files(inputs, ledger.weights_path('mine'))
    assert load_weights(ledger.weights_path('mine'))['w'] == 1.5


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


def test_runs_are_archived_and_the_others_stay(ledger):
    choose_winner(ledger, FOLDS, closeness_to(4.0))
    moved = ledger.archive(['fold2'])
    names = {path.name for path in moved.iterdir()}
    assert {'fold2.json', 'fold2.pth', 'stage.json', 'winner.pth', 'all_folds.pth', 'top2.pth'} <= names
    assert ledger.missing(FOLDS) == ['fold2']
    assert load_weights(ledger.weights_path('fold1'))['w'] == 1.0
    assert ledger.archive(['fold2']) is None


def test_the_counts_of_an_archived_run_go_with_it(ledger):
    def record(hits):
        counts = HeldOutCounts.of(['a.png'], torch.tensor([[[hits, 0], [1, 2]]]))
        ledger.record('fold1', ledger.entry('fold1'), ledger.weights_path('fold2'), counts=counts)

    record(5)
    record(7)
    (older,) = ledger.folder.glob('archive_*/fold1.held_out.npz')
    assert read_counts(older).matrix.tolist() == [[5, 0], [1, 2]]
    assert read_counts(counts_file(ledger.folder, 'fold1')).matrix.tolist() == [[7, 0], [1, 2]]


def test_counts_of_folds_are_put_together(tmp_path):
    first = HeldOutCounts.of(['a.png', 'b.png'], torch.tensor([[[5, 0], [1, 2]], [[0, 3], [0, 1]]]))
    assert first.areas.tolist() == [[[5, 2], [6, 2], [5, 3]], [[0, 1], [0, 4], [3, 1]]]
    second = HeldOutCounts.of(['c.png'], torch.tensor([[[0, 0], [0, 7]]]))
    write_counts(HeldOutCounts.together([first, second]), tmp_path / 'both.npz')
    both = read_counts(tmp_path / 'both.npz')
    assert both.paths == ('a.png', 'b.png', 'c.png')
    assert both.areas.tolist() == first.areas.tolist() + second.areas.tolist()
    assert both.matrix.tolist() == [[5, 3], [1, 10]]


@pytest.mark.parametrize('content', [None, {}, {'paths': np.array(['a', None])}], ids=['gone', 'empty', 'pickled'])
def test_a_file_that_holds_no_counts_is_named(tmp_path, content):
    path = tmp_path / 'fold1.held_out.npz'
    if content is not None:
        np.savez(path, **{'areas': np.zeros((2, 3, 1)), 'matrix': np.zeros((1, 1)), **content})
    with pytest.raises(StageError, match=r'fold1\.held_out\.npz cannot be read .*--force and train it anew'):
        read_counts(path)


def test_a_failure_is_kept_until_the_run_finishes(ledger):
    ledger.record_failure('fold2', 'the GPU fell off')
    assert ledger.failures(FOLDS) == {'fold2': 'the GPU fell off'}
    assert ledger.awaited(FOLDS) == FOLDS
    assert ledger.awaited(FOLDS, allow_missing=True) == ['fold1', 'fold3']
    finish(ledger, 'fold2', 2.0, 20.0)
    assert ledger.failures(FOLDS) == {}
    ledger.forget_failure('fold2')


def test_the_weights_that_the_records_speak_of(ledger):
    assert ledger.recorded_weights('winner.pth') is None
    choose_winner(ledger, FOLDS, closeness_to(4.0))
    sums = {name: hash_weights({'w': torch.tensor([value])}) for name, value in (('winner', 4.0), ('fold2', 2.0))}
    assert {name: ledger.recorded_weights(f'{name}.pth') for name in sums} == sums
    assert ledger.recorded_weights('all_folds.pth') is None
    assert all(ledger.holds(f'elsewhere/{name}.pth') for name in (*FOLDS, 'winner', 'all_folds', 'top2'))
    assert not ledger.holds('mine.pth')


@pytest.mark.parametrize(('version', 'said'), [({'version': 1}, 1), ({'version': 3}, 3), ({}, 0)])
def test_records_of_another_version_are_refused_and_their_weights_load(ledger, version, said):
    path = ledger.record_path('fold1')
    write_record({key: value for key, value in read_record(path).items() if key != 'version'} | version, path)
    way_out = (
        'use the version of the project that wrote it, or another stage_dir and work_dir. '
        'Its checkpoints can still be loaded.'
    )
    message = f'fold1.json has version {said}, this project reads version 2: {way_out}'
    with pytest.raises(StageError, match=f'{message}$'):
        ledger.entry('fold1')
    assert load_weights(ledger.weights_path('fold1'))['w'] == 1.0
