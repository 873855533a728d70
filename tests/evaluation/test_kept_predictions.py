import numpy as np
import pytest

from mmseg_custom.evaluation.kept_predictions import ALL, BEST, RECORDS, Index, KeptPredictions, Maps, PredictionError
from mmseg_custom.io.files import read_json, write_json

MADE_OF = {'weights': 'w', 'image': 'i', 'label': 'l', 'settings': 's'}
MAPS = Maps(*(np.full((2, 3), value, np.uint8) for value in (0, 1, 10, 200)))


@pytest.fixture
def kept(tmp_path):
    kept = KeptPredictions(tmp_path / 'kept')
    write(kept)
    return kept


def write(kept, probabilities=None):
    fields = dict(image='a/b.jpg', label='a/b.png', predicted_by='fold1', seen=False, quality=0.5)
    sums = dict(counts=[[0, 1, 6]], probability_sums=[0.25, 0.0])
    kept.write(MAPS, probabilities, name='a/b', made_of=MADE_OF, **fields, **sums)


def test_a_prediction_is_read_as_it_was_kept(kept):
    record = kept.record('a/b')
    maps = kept.maps(record)
    assert [int(one[1, 2]) for one in (maps.label, maps.classes, maps.given, maps.best)] == [0, 1, 10, 200]
    assert record.matrix().tolist() == [[0, 6], [0, 0]]
    assert kept.holds('a/b', MADE_OF) and not kept.holds('a/c', MADE_OF)


@pytest.mark.parametrize('changed', MADE_OF)
def test_a_prediction_of_something_else_is_made_anew(kept, changed):
    assert not kept.holds('a/b', {**MADE_OF, changed: 'other'})


def test_a_file_that_is_gone_or_changed_is_told(kept):
    record = kept.record('a/b')
    kept.path(BEST, 'a/b').write_bytes(b'other')
    with pytest.raises(PredictionError, match=r'best/a/b\.png is missing or has changed'):
        kept.maps(record)
    assert not kept.holds('a/b', MADE_OF)
    kept.path(BEST, 'a/b').unlink()
    assert not kept.holds('a/b', MADE_OF)
    with pytest.raises(PredictionError, match='is missing'):
        kept.maps(record)


def test_a_record_that_is_none_is_told_and_made_anew(kept):
    path = kept.path(RECORDS, 'a/b')
    for content in ({'name': 'a/b'}, {**read_json(path), 'version': 0}):
        write_json(content, path)
        assert not kept.holds('a/b', MADE_OF)
        with pytest.raises(PredictionError, match='delete it, and predict anew'):
            kept.record('a/b')
    path.write_text('{')
    assert not kept.holds('a/b', MADE_OF)
    path.unlink()
    with pytest.raises(PredictionError, match='mmseg-kfold out-of-fold` predicts the image'):
        kept.record('a/b')


def test_probabilities_and_index_are_kept(kept):
    with pytest.raises(PredictionError, match='holds no predictions'):
        kept.index()
    index = Index(['x', 'y'], [[0, 0, 0], [1, 2, 3]], ['a/b'])
    kept.write_index(index)
    assert kept.index() == index
    write(kept, np.full((2, 1, 1), 7, np.uint8))
    with np.load(kept.path(ALL, 'a/b')) as content:
        assert content['probabilities'].tolist() == [[[7]], [[7]]]
    assert set(kept.record('a/b').files) == {'label', 'classes', 'given', 'best', 'probabilities'}
