"""A second device for machines without a GPU: fake tensors that have shape, type and device, but no values."""

import multiprocessing

import pytest
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils import backend_registration

from mmseg_kfold.fork_server import PRELOAD

DEVICE = 'fakegpu'


def run_on_fake_gpu(check):
    """Run a function of a test module that makes its tensors on ``DEVICE``; `.item()` and mixed devices raise there.

    In a process of its own: autograd takes notice of a device only before its first backward pass. `cuda` itself can
    neither be sliced nor differentiated by a PyTorch that was built without it.
    """
    if not hasattr(backend_registration, '_setup_privateuseone_for_python_backend'):
        pytest.skip('this PyTorch cannot register a device from Python')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(PRELOAD)
    process = context.Process(target=_run, args=(check,))
    process.start()
    process.join()
    assert process.exitcode == 0, f'{check.__name__} failed on the fake GPU; the traceback is above'


def _run(check):
    backend_registration._setup_privateuseone_for_python_backend(DEVICE)
    with FakeTensorMode():
        check()
