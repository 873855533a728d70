import errno
import multiprocessing
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mmseg_custom.errors import UserError
from mmseg_custom.io.checkpoints.checkpoint_file import save_checkpoint_file
from mmseg_custom.io.files import (
    JsonError,
    WriteError,
    atomic_path,
    move_to_archive,
    place_copy,
    place_new,
    read_json,
    readable_path,
    readable_size,
    remove_leftovers,
    seconds_since_written,
    write_bytes,
    write_json,
)
from mmseg_custom.io.processes import process_name, this_process

FORK = multiprocessing.get_context('fork')


def save_with_limit(path, limit, messages):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        save_checkpoint_file({'state_dict': {'w': torch.ones(limit)}}, path)
    except UserError as error:
        messages.put(str(error))


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / 'file'
    write_bytes(b'old', path)
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_bytes(b'ne')
        raise RuntimeError
    assert path.read_bytes() == b'old'
    assert [file.name for file in tmp_path.iterdir()] == ['file']


def test_content_is_on_the_disk_before_its_name_and_the_name_before_the_end(tmp_path, monkeypatch):
    """What a power cut leaves: the file is synchronised, then renamed, then its folder is synchronised."""
    done, folder = [], tmp_path.stat().st_ino
    sync, replace = os.fsync, os.replace

    def note_sync(descriptor):
        found = os.fstat(descriptor)
        done.append('folder' if found.st_ino == folder else found.st_size)
        sync(descriptor)

    def note_replace(source, target):
        done.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr(os, 'fsync', note_sync)
    monkeypatch.setattr(os, 'replace', note_replace)
    write_bytes(b'12345', tmp_path / 'file')
    assert done == [5, 'file', 'folder']


def test_json_round_trip_and_damage_is_named(tmp_path):
    write_json({'grüße': [1, 2.5, None]}, tmp_path / 'a.json')
    assert read_json(tmp_path / 'a.json') == {'grüße': [1, 2.5, None]}
    assert (tmp_path / 'a.json').read_text('utf-8') == '{\n "grüße": [\n  1,\n  2.5,\n  null\n ]\n}\n'
    for damaged in (b'{"half"', b'', b'\xff{}'):
        (tmp_path / 'a.json').write_bytes(damaged)
        with pytest.raises(JsonError, match=r'a\.json is not valid JSON .*moved away'):
            read_json(tmp_path / 'a.json')
    assert issubclass(JsonError, UserError)


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


def mounted(folder):
    """A file system of a megabyte, or a reason to skip."""
    command = ['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip('mounting needs root')


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / 'disk'
    folder.mkdir()
    mounted(folder)
    yield folder
    subprocess.run(['umount', str(folder)], check=True)


def test_full_disk_is_named_and_the_old_file_stays(small_disk):
    path = small_disk / 'a.pth'
    write_bytes(b'old', path)
    with pytest.raises(WriteError, match=r'(?s)a\.pth could not be written: No space left.*free there'):
        write_bytes(bytes(2 << 20), path)
    assert path.read_bytes() == b'old'
    assert [file.name for file in small_disk.iterdir()] == ['a.pth']


def test_read_only_disk_is_named(small_disk):
    write_bytes(b'old', small_disk / 'a.pth')
    subprocess.run(['mount', '-o', 'remount,ro', str(small_disk)], check=True)
    with pytest.raises(WriteError, match='Read-only file system'):
        write_bytes(b'new', small_disk / 'a.pth')
    with pytest.raises(WriteError, match='Read-only file system'):
        write_bytes(b'new', small_disk / 'folder' / 'a.pth')
    assert (small_disk / 'a.pth').read_bytes() == b'old'


def test_file_size_limit_in_the_middle_of_a_checkpoint_is_named(tmp_path):
    path = tmp_path / 'a.pth'
    path.write_bytes(b'old')
    messages = FORK.Queue()
    limited = FORK.Process(target=save_with_limit, args=(path, 100_000, messages))
    limited.start()
    assert 'a.pth could not be written: File too large (written so far: 100.0 kB' in messages.get(timeout=30)
    limited.join()
    assert path.read_bytes() == b'old'
    assert [file.name for file in tmp_path.iterdir()] == ['a.pth']


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_missing_permission_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(WriteError, match='Permission denied'):
        write_bytes(b'', tmp_path / 'a')
    tmp_path.chmod(0o700)


def test_trouble_with_another_file_is_not_taken_for_it(tmp_path):
    with pytest.raises(PermissionError, match='elsewhere') as caught, atomic_path(tmp_path / 'a') as temporary:
        temporary.write_bytes(b'')
        raise PermissionError(13, 'Permission denied', 'elsewhere')
    assert not isinstance(caught.value, WriteError)


@pytest.mark.parametrize(('content', 'written'), [(b'', '0 B'), (b'abc', '3 B'), (None, 'nothing')])
def test_trouble_with_the_file_itself_says_how_far_it_got(tmp_path, content, written):
    path = tmp_path / 'a'
    message = rf'a could not be written: Permission denied \(written so far: {written}; free there'
    with pytest.raises(WriteError, match=message), atomic_path(path) as temporary:
        if content is not None:
            temporary.write_bytes(content)
        raise PermissionError(errno.EACCES, 'Permission denied', str(path))


def test_a_library_that_does_not_say_why_it_failed_is_explained(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(WriteError, match='No space left'), atomic_path(tmp_path / 'a') as temporary:
        temporary.write_bytes(b'half')
        raise RuntimeError('unexpected pos 64 vs 0')


def test_error_behind_a_hard_link_leaves_its_source_alone(tmp_path):
    write_bytes(b'one', tmp_path / 'source')
    with pytest.raises(RuntimeError, match='other'), atomic_path(tmp_path / 'target') as temporary:
        os.link(tmp_path / 'source', temporary)
        raise RuntimeError('other')
    assert (tmp_path / 'source').read_bytes() == b'one'


def no_hard_links(*_):
    raise PermissionError(errno.EPERM, 'Operation not permitted')


@pytest.mark.parametrize('link', [os.link, no_hard_links])
def test_a_new_file_takes_no_place_that_is_taken(tmp_path, monkeypatch, link):
    monkeypatch.setattr(os, 'link', link)
    (tmp_path / 'source').write_bytes(b'one')
    place_new(tmp_path / 'source', tmp_path / 'target')
    (tmp_path / 'source').unlink()
    (tmp_path / 'source').write_bytes(b'two')
    with pytest.raises(FileExistsError):
        place_new(tmp_path / 'source', tmp_path / 'target')
    assert (tmp_path / 'target').read_bytes() == b'one'


def test_without_hard_links_a_full_disk_leaves_no_half_of_a_new_file(small_disk, monkeypatch, tmp_path):
    monkeypatch.setattr(os, 'link', no_hard_links)
    (tmp_path / 'source').write_bytes(bytes(1 << 24))
    with pytest.raises(OSError, match='No space left'):
        place_new(tmp_path / 'source', small_disk / 'target')
    assert not (small_disk / 'target').exists()


def test_only_files_of_the_dead_are_leftovers(tmp_path):
    dead = subprocess.Popen([sys.executable, '-c', ''])
    dead.wait()
    own = this_process()
    elsewhere, here = {**own, 'host': 'elsewhere', 'pid': 1}, socket.gethostname()
    left = [
        tmp_path / f'.a.pth.{process_name({**own, "pid": dead.pid})}.tmp',
        tmp_path / f'.number_given_again.{process_name({**own, "started": 1})}.tmp',
    ]
    forgotten = [tmp_path / f'.a.pth.{process_name(elsewhere)}.tmp', tmp_path / f'.a.pth.{dead.pid}@{here}.tmp']
    recent = tmp_path / f'.c.pth.{process_name(elsewhere)}.tmp'
    kept = [
        tmp_path / f'.a.pth.{process_name(own)}.tmp',
        tmp_path / f'.b.pth.{process_name(elsewhere)}.tmp',
        tmp_path / f'.b.pth.{dead.pid}@{here}.tmp',  # of an earlier version: perhaps of another container
        tmp_path / '.c.tmp',
        tmp_path / f'.cannot_be_removed.{process_name({**own, "pid": dead.pid})}.tmp',
    ]
    kept[-1].mkdir()
    for path in (*left, *forgotten, *kept, recent):
        path.touch()
    for path, age in (*((path, 3660) for path in forgotten), (recent, 3540)):
        os.utime(path, (time.time() - age, time.time() - age))
    assert set(remove_leftovers(tmp_path)) == {*left, *forgotten}
    assert set(tmp_path.iterdir()) == {*kept, recent}
    assert remove_leftovers(tmp_path / 'nowhere') == []


@pytest.mark.parametrize('key', ['host', 'boot', 'namespace'])
def test_the_file_of_a_live_writer_elsewhere_stays(tmp_path, key):
    writer = {**this_process(), 'pid': 2**22 + 1, key: 'other'}  # No such process here.
    path = tmp_path / f'.a.pth.{process_name(writer)}.tmp'
    path.touch()
    assert remove_leftovers(tmp_path) == []
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_uses_the_name_that_says_whose_file_it_is(tmp_path):
    with atomic_path(tmp_path / 'a') as temporary:
        temporary.touch()
        assert temporary.name == f'.a.{process_name(this_process())}.tmp'
        assert remove_leftovers(tmp_path) == []


def test_age_is_measured_by_the_clock_of_the_file_system(tmp_path, monkeypatch):
    (tmp_path / 'a').touch()
    monkeypatch.setattr('time.time', lambda: 1e12)
    assert seconds_since_written(tmp_path / 'a') < 60
    os.utime(tmp_path / 'a', (0, 0))
    assert seconds_since_written(tmp_path / 'a') > 1e9
    assert [path.name for path in tmp_path.iterdir()] == ['a']


def test_what_is_archived_is_kept(tmp_path):
    (tmp_path / 'a').write_text('a')
    folder = move_to_archive([tmp_path / 'a', Path('missing')], tmp_path)
    assert (folder / 'a').read_text() == 'a'
    assert move_to_archive([tmp_path / 'a'], tmp_path) is None


@pytest.mark.parametrize(
    ('size', 'text'),
    [(0, '0 B'), (999, '999 B'), (1000, '1.0 kB'), (1500, '1.5 kB'), (3.2e9, '3.2 GB'), (5e12, '5.0 TB')],
)
def test_sizes_are_readable(size, text):
    assert readable_size(size) == text


def test_paths_are_readable(tmp_path, monkeypatch):
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(tmp_path / 'here')
    assert readable_path('a/b.txt') == readable_path(tmp_path / 'here' / 'a' / 'b.txt') == 'a/b.txt'
    assert readable_path(tmp_path / 'a') == str(tmp_path / 'a')
