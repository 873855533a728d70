import json
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from mmseg_custom.errors import StageError
from mmseg_custom.io.lease import Lease, claim, lease, refuse_while_held, sole_process
from mmseg_custom.io.processes import is_alive, this_process

FORK = multiprocessing.get_context('fork')


@pytest.fixture
def at_once(monkeypatch):
    """Whoever takes a lease over waits for others that may do the same."""
    monkeypatch.setattr('mmseg_custom.io.lease.SETTLE_SECONDS', 0)


def race(path, barrier, results):
    barrier.wait()
    results.put(Lease(path).acquire())
    barrier.wait()


def test_only_one_holds_it_and_then_it_is_free(tmp_path):
    path, before = tmp_path / 'not' / 'yet' / 'a.lease', threading.enumerate()
    with lease(path) as first, lease(path) as second:
        assert first
        assert not second
        started = [thread for thread in threading.enumerate() if thread not in before]
        assert [thread.daemon for thread in started] == [True]  # Else a process that holds a lease would never end.
    assert not path.exists()
    with lease(path) as again:
        assert again


def test_lease_of_a_dead_process_does_not_block(tmp_path, at_once):
    dead = subprocess.Popen([sys.executable, '-c', ''])
    dead.wait()
    path = tmp_path / 'a.lease'
    path.write_text(json.dumps({'host': socket.gethostname(), 'pid': dead.pid}))
    with lease(path) as held:
        assert held
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path('/proc/self/stat').exists(), reason='needs /proc')
def test_only_the_lease_of_the_dead_is_removed(tmp_path):
    path = tmp_path / 'a.lease'
    Lease(path).remove_if_dead()
    path.write_text(json.dumps({**this_process(), 'started': 1}))
    assert not Lease(path).is_held()
    Lease(path).remove_if_dead()
    assert not path.exists()
    with lease(path):
        Lease(path).remove_if_dead()
        assert Lease(path).is_held()


def test_lease_of_another_host_holds_until_its_heart_stops(tmp_path, at_once):
    path = tmp_path / 'a.lease'
    path.write_text(json.dumps({'host': 'elsewhere', 'pid': 1}))
    with lease(path) as held:
        assert not held
    os.utime(path, (0, 0))
    with lease(path) as held:
        assert held


def test_a_lease_that_goes_while_it_is_looked_at_is_free(tmp_path, monkeypatch, at_once):
    path = tmp_path / 'a.lease'
    path.write_text(json.dumps({'host': 'elsewhere', 'pid': 1}))

    def age(path):
        path.unlink()
        return path.stat()

    monkeypatch.setattr('mmseg_custom.io.lease.seconds_since_written', age)
    with lease(path) as held:
        assert held


def test_a_live_lease_is_not_taken_when_clocks_differ(tmp_path, monkeypatch, at_once):
    path = tmp_path / 'a.lease'
    path.write_text(json.dumps({'host': 'elsewhere', 'pid': 1}))
    now = time.time()
    monkeypatch.setattr('time.time', lambda: now + 400)
    with lease(path) as held:
        assert not held
    os.utime(path, (now - 290, now - 290))
    with lease(path) as held:
        assert not held
    os.utime(path, (now - 310, now - 310))
    with lease(path) as held:
        assert held


def test_its_heart_beats_while_it_is_held_and_not_for_another(tmp_path, monkeypatch):
    monkeypatch.setattr('mmseg_custom.io.lease.HEARTBEAT_SECONDS', 0.02)
    path, touch, failing = tmp_path / 'a.lease', os.utime, [OSError('file server restarts')]

    def touch_if_it_is_there(path):
        if failing:
            raise failing.pop()
        touch(path)

    monkeypatch.setattr('os.utime', touch_if_it_is_there)

    def beats():
        touch(path, (0, 0))
        for _ in range(50):
            time.sleep(0.02)
            if path.stat().st_mtime > 0:
                return True
        return False

    with lease(path):
        assert beats() and beats() and not failing
        path.write_text(json.dumps({'host': 'elsewhere', 'pid': 1}))
        assert not beats()


def test_who_is_written_over_where_no_lock_helps_gives_way(tmp_path, monkeypatch):
    path, waited = tmp_path / 'a.lease', []

    def another_takes_it(seconds):
        waited.append(seconds)
        path.write_text(json.dumps({'host': 'elsewhere', 'pid': 1}))

    def no_locks(*_):
        raise OSError

    monkeypatch.setattr('fcntl.flock', no_locks)
    monkeypatch.setattr('time.sleep', another_takes_it)
    path.write_text(json.dumps({**this_process(), 'started': 1}))
    with lease(path) as held:
        assert not held
    assert waited == [1.0]
    assert json.loads(path.read_text())['host'] == 'elsewhere'


@pytest.mark.parametrize('key', ['host', 'boot', 'namespace'])
def test_the_lease_of_a_machine_or_container_of_the_same_name_holds(tmp_path, key, at_once):
    path = tmp_path / 'a.lease'
    holder = {**this_process(), 'pid': 2**22 + 1, 'started': 1}  # No such process here.
    path.write_text(json.dumps({**holder, key: 'other'}))
    with lease(path) as held:
        assert not held
    path.write_text(json.dumps({name: holder[name] for name in holder if name != 'boot'}))  # an earlier version's
    with lease(path) as held:
        assert held


@pytest.mark.parametrize('content', ['', 'half', '[]', '{"host": "here"}'])
def test_a_lease_that_nobody_can_read_ends_when_its_heart_stops(tmp_path, content, at_once):
    path = tmp_path / 'a.lease'
    path.write_text(content)
    with pytest.raises(StageError, match=r'training by process \? on \? \(it holds .*a\.lease\)'):
        claim(path, 'training')
    half_a_minute_ago = time.time() - 30
    os.utime(path, (half_a_minute_ago, half_a_minute_ago))
    with lease(path) as held:
        assert held


def test_who_is_killed_while_taking_a_lease_leaves_none_that_nobody_can_read(tmp_path, monkeypatch):
    path, place = tmp_path / 'a.lease', os.link

    def killed(source, target):
        place(source, target)
        raise SystemExit

    monkeypatch.setattr(os, 'link', killed)
    with pytest.raises(SystemExit):
        Lease(path).acquire()
    assert Lease(path).is_own()


def test_number_that_another_process_has_been_given_does_not_block(tmp_path, at_once):
    path = tmp_path / 'a.lease'
    other = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)
    holder = {**this_process(), 'pid': other.pid, 'started': 1}
    path.write_text(json.dumps(holder))
    with lease(path) as held:
        assert held == Path('/proc/self/stat').exists()
    other.communicate(b'')


@pytest.mark.skipif(not Path('/proc/self/stat').exists(), reason='needs /proc')
def test_process_that_nobody_has_waited_for_is_dead():
    child = subprocess.Popen([sys.executable, '-c', ''])
    while Path(f'/proc/{child.pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z':
        time.sleep(0.02)
    assert is_alive({**this_process(), 'pid': child.pid, 'started': None}) is False
    child.wait()
    assert is_alive(this_process()) is True
    assert is_alive({**this_process(), 'host': 'elsewhere'}) is None


def test_of_many_that_take_over_a_dead_lease_one_gets_it(tmp_path):
    path = tmp_path / 'a.lease'
    path.write_text(json.dumps({**this_process(), 'started': 1}))
    barrier, results = FORK.Barrier(8), FORK.Queue()
    racers = [FORK.Process(target=race, args=(path, barrier, results)) for _ in range(8)]
    for racer in racers:
        racer.start()
    assert sorted(results.get(timeout=30) for _ in racers) == 7 * [False] + [True]
    for racer in racers:
        racer.join()


def test_lease_that_was_taken_over_is_not_removed(tmp_path):
    path = tmp_path / 'a.lease'
    with lease(path):
        path.write_text(json.dumps({'host': 'elsewhere', 'pid': 1}))
    assert path.exists()


@contextmanager
def refused_while_held(path, what):
    refuse_while_held(path, what)
    yield


@pytest.mark.parametrize('refuse', [sole_process, refused_while_held])
def test_refusal_names_the_holder(tmp_path, refuse):
    path = tmp_path / 'a.lease'
    with (
        sole_process(path, 'the plan is being run'),
        pytest.raises(StageError, match=rf'being run by process {os.getpid()} on {socket.gethostname()}'),
        refuse(path, 'the plan is being run'),
    ):
        pass
    with refuse(path, 'the plan is being run'):  # Nobody holds it now.
        pass


def test_claim_of_a_failed_training_is_taken_up_by_its_own_process(tmp_path):
    claim(tmp_path / 'a.lease', 'training')
    again = claim(tmp_path / 'a.lease', 'training')
    assert Lease(tmp_path / 'a.lease').is_own()
    again.release()
    assert not list(tmp_path.iterdir())
    (tmp_path / 'a.lease').write_text(json.dumps({'host': 'elsewhere', 'pid': 1}))
    with pytest.raises(StageError, match='training by process 1 on elsewhere'):
        claim(tmp_path / 'a.lease', 'training')
