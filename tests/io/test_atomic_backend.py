"""No way that MMEngine has to write a file leaves half of one."""

import shutil
from pathlib import Path

import mmengine
import pytest
from mmengine.fileio import get_file_backend

from mmseg_custom.io import files

ATOMIC = {'backend': 'atomic'}
WRITES = {
    'put': lambda backend, path: backend.put(b'new', path),
    'put_text': lambda backend, path: backend.put_text('new', path),
    'dump json': lambda backend, path: mmengine.dump('new', path, file_format='json', backend_args=ATOMIC),
    'dump yaml': lambda backend, path: mmengine.dump('new', str(path), file_format='yaml', backend_args=ATOMIC),
    'dump pickle': lambda backend, path: mmengine.dump('new', str(path), file_format='pkl', backend_args=ATOMIC),
    'copyfile': lambda backend, path: backend.copyfile('source', path),
    'copyfile_from_local': lambda backend, path: backend.copyfile_from_local('source', str(path)),
    'copyfile_to_local': lambda backend, path: backend.copyfile_to_local('source', path),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('source').write_text('new')
    Path('target').write_text('old')


@pytest.mark.parametrize('write', WRITES.values(), ids=WRITES)
def test_a_file_is_the_old_one_until_it_is_the_new_one(monkeypatch, write):
    backend = get_file_backend(backend_args=ATOMIC)
    seen = []
    monkeypatch.setattr(files, '_sync', lambda path: seen.append(Path('target').read_bytes()))
    write(backend, Path('target'))
    assert seen[0] == b'old'  # when the new content was written in full
    assert 'new' in Path('target').read_bytes().decode(errors='replace')
    assert sorted(path.name for path in Path().iterdir()) == ['source', 'target']


def test_copies_go_where_the_local_backend_puts_them(monkeypatch):
    backend, synchronised = get_file_backend(backend_args=ATOMIC), []
    monkeypatch.setattr(files, '_sync', synchronised.append)
    Path('folder').mkdir()
    assert backend.copyfile('source', 'folder') == 'folder/source'
    assert backend.copytree(Path('folder'), Path('copy')) == Path('copy')
    assert Path('copy/source').read_text() == 'new'
    assert synchronised[-1] == Path('copy')  # Its files are replaced as a whole, too.
    with pytest.raises(shutil.SameFileError, match="'source' and 'source' are the same file"):
        backend.copyfile('source', 'source')
    assert Path('source').read_text() == 'new'


def test_text_keeps_its_encoding():
    backend = get_file_backend(backend_args=ATOMIC)
    backend.put_text('é', 'target', encoding='latin-1')
    assert Path('target').read_bytes() == b'\xe9'
