import json
import os
import socket
import subprocess
import sys

from mmseg_custom.stages.lease import lease


def test_only_one_holds_it_and_then_it_is_free(tmp_path):
    path = tmp_path / 'a.lease'
    with lease(path) as first, lease(path) as second:
        assert first
        assert not second
    assert not path.exists()
    with lease(path) as again:
        assert again


def test_lease_of_a_dead_process_does_not_block(tmp_path):
    dead = subprocess.Popen([sys.executable, '-c', ''])
    dead.wait()
    path = tmp_path / 'a.lease'
    path.write_text(json.dumps({'host': socket.gethostname(), 'pid': dead.pid}))
    with lease(path) as held:
        assert held
    assert not list(tmp_path.iterdir())


def test_lease_of_another_host_holds_until_its_heart_stops(tmp_path):
    path = tmp_path / 'a.lease'
    path.write_text(json.dumps({'host': 'elsewhere', 'pid': 1}))
    with lease(path) as held:
        assert not held
    os.utime(path, (0, 0))
    with lease(path) as held:
        assert held
