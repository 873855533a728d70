"""Jobs side by side share the cores, and nothing but a job's own end keeps the fork server from serving."""

import signal
from multiprocessing import forkserver

import pytest
import torch

from mmseg_custom.engine.stop_signals import STOP_SIGNALS
from mmseg_custom.launchers import threads, worker
from mmseg_custom.launchers.threads import THREADS, threads_of_job
from mmseg_kfold.fork_server import ASK_TO_STOP, start_fork_server


@pytest.mark.parametrize(('jobs', 'number'), [(2, '4'), (3, '2'), (8, '1'), (20, '1')])
def test_jobs_side_by_side_share_the_cores(monkeypatch, jobs, number):
    monkeypatch.delenv(THREADS, raising=False)
    monkeypatch.setattr(threads, 'num_cores', lambda: 8)
    assert threads_of_job(jobs) == {THREADS: number}


def test_a_job_alone_has_all_cores_and_the_user_has_the_last_word(monkeypatch):
    monkeypatch.delenv(THREADS, raising=False)
    assert threads_of_job(1) == {}
    monkeypatch.setenv(THREADS, '6')
    assert threads_of_job(4) == {}


def test_a_job_takes_the_threads_and_the_gpu_of_its_slot(monkeypatch):
    monkeypatch.setattr(worker.os, 'environ', {})
    worker.take_slot({THREADS: '3', 'CUDA_VISIBLE_DEVICES': '1'})
    assert torch.get_num_threads() == 3
    assert worker.os.environ['CUDA_VISIBLE_DEVICES'] == '1'
    worker.take_slot({})
    assert torch.get_num_threads() == 3


def test_the_fork_server_is_started_deaf_to_signals_that_ask_to_stop(monkeypatch):
    assert (signal.SIGINT, *STOP_SIGNALS) == ASK_TO_STOP
    heard = []
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(
        forkserver,
        'ensure_running',
        lambda: heard.append((signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))),
    )
    start_fork_server()
    assert heard == [(signal.SIG_IGN, signal.SIG_IGN)]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
