import random

import pytest

from mmseg_custom.io.files import JsonError, write_json
from mmseg_custom.io.records import read_record, write_record

RECORD = {
    'version': 1,
    'val': {'mIoU': 61.25, 'IoU.grüße': float('inf')},
    'parts': (1, 2),
    'best': None,
    'ids': {3: 0},
}
READ = {**RECORD, 'parts': [1, 2], 'ids': {'3': 0}}


def test_round_trip_and_files_of_earlier_versions(tmp_path):
    write_record(RECORD, tmp_path / 'a.json')
    assert read_record(tmp_path / 'a.json') == READ
    write_json(RECORD, tmp_path / 'a.json')
    assert read_record(tmp_path / 'a.json') == READ


def test_a_changed_number_is_named(tmp_path):
    path = tmp_path / 'fold1.json'
    write_record(RECORD, path)
    path.write_text(path.read_text().replace('61.25', '71.25'))
    with pytest.raises(JsonError, match=r"fold1\.json is damaged.*move it away.*remove its entry 'checksum'"):
        read_record(path)
    path.write_text('[]')
    with pytest.raises(JsonError, match='is damaged'):
        read_record(path)


def test_no_flipped_bit_makes_another_record(tmp_path):
    path = tmp_path / 'fold1.json'
    write_record(RECORD, path)
    content, generator, refused = path.read_bytes(), random.Random(0), 0
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1 << generator.randrange(8)
        path.write_bytes(flipped)
        try:
            read = read_record(path)
        except JsonError:
            refused += 1
        else:  # Only the name of the checksum may differ.
            assert {key: read[key] for key in READ} == READ
    assert refused > 0.9 * len(content)
