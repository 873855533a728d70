import os

import pytest

from mmseg_custom.engine.files import atomic_path, place_copy, read_json, write_bytes, write_json


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / 'file'
    write_bytes(b'old', path)
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_bytes(b'ne')
        raise RuntimeError
    assert path.read_bytes() == b'old'
    assert [file.name for file in tmp_path.iterdir()] == ['file']


def test_json_round_trip_and_damage_is_named(tmp_path):
    write_json({'grüße': [1, 2.5, None]}, tmp_path / 'a.json')
    assert read_json(tmp_path / 'a.json') == {'grüße': [1, 2.5, None]}
    (tmp_path / 'a.json').write_text('{"half"')
    with pytest.raises(ValueError, match=r'a\.json is not valid JSON'):
        read_json(tmp_path / 'a.json')


@pytest.mark.parametrize('links', [True, False])
def test_copy_survives_the_replacing_of_its_source(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, 'link', lambda *_: (_ for _ in ()).throw(OSError()))
    source, target = tmp_path / 'source', tmp_path / 'folder' / 'target'
    write_bytes(b'one', source)
    place_copy(source, target)
    write_bytes(b'two', source)
    assert target.read_bytes() == b'one'
    place_copy(source, target)
    assert target.read_bytes() == b'two'
