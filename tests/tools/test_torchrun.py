"""The launcher of several processes, with a stand-in for what it starts."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / 'tools' / '_torchrun.py'
# Ends as its rank's argument says: with that code, or with it at the signal of that name.
RANK = """
import os, signal, sys, time
end = sys.argv[1:][int(os.environ['RANK'])]
if end.isdigit():
    sys.exit(int(end))
signal.signal(getattr(signal, end), lambda *_: sys.exit(75))
open(f'rank{os.environ["RANK"]}', 'w').close()
time.sleep(60)
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('rank.py').write_text(RANK)

    def start(*ends):
        command = [sys.executable, TOOL, f'--nproc_per_node={len(ends)}', 'rank.py', *ends]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    return start


@pytest.mark.parametrize(('ends', 'code'), [(['75', '75'], 75), (['SIGTERM', '1'], 1), (['0', '0'], 0)])
def test_it_ends_as_what_it_started(start, ends, code):
    process = start(*ends)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == code, output


@pytest.mark.parametrize('name', ['SIGTERM', 'SIGUSR1'])
def test_signals_are_passed_on(start, name):
    process = start(name, name)
    while not (Path('rank0').exists() and Path('rank1').exists()):
        assert process.poll() is None
    process.send_signal(getattr(signal, name))
    output = process.communicate(timeout=25)[0]
    assert process.returncode == 75, output
