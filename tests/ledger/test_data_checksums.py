import cv2
import numpy as np
import pytest

from mmseg_custom.datasets.folds.leaves import Sample
from mmseg_custom.ledger.data_checksums import changed_data, data_checksums, data_disagreement


@pytest.fixture
def samples(tmp_path):
    rng = np.random.default_rng(0)
    found = []
    for number in range(3):
        paths = {key: str(tmp_path / f'{key}{number}.png') for key in ('img_path', 'seg_map_path')}
        for path in paths.values():
            cv2.imwrite(path, rng.integers(0, 256, (300, 300)).astype(np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 0])
        found.append(Sample(0, number, f'image{number}', paths))
    return found


def test_one_corrected_pixel_is_noticed_in_a_file_of_the_same_size(samples):
    before = data_checksums(samples)
    assert data_checksums(samples[::-1]) == before and changed_data(before, before) is None
    path = samples[1].info['seg_map_path']
    label = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    label[150, 150] ^= 1  # In the middle of 90 kB, of which the first and last 16 are read.
    cv2.imwrite(path, label, [cv2.IMWRITE_PNG_COMPRESSION, 0])
    assert changed_data(before, data_checksums(samples)) == 'labels'
    assert changed_data(before, data_checksums(samples[1:])) == 'images and labels'


def test_where_the_files_lie_does_not_count(samples, tmp_path):
    moved = tmp_path / 'moved'
    before = data_checksums(samples)
    moved.mkdir()
    for one in samples:
        for key, path in one.info.items():
            one.info[key] = str((tmp_path / path).rename(moved / path.rpartition('/')[2]))
    assert data_checksums(samples) == before


def test_data_that_nobody_has_looked_at_are_no_change():
    known = {'images': 'a', 'labels': 'b'}
    assert changed_data(None, known) is None and changed_data(known, None) is None
    records = [{}, {'data_checksums': known}, {'data_checksums': None}, {'data_checksums': {**known, 'images': 'c'}}]
    assert data_disagreement(records[:3]) is None and data_disagreement(records) == 'images'
