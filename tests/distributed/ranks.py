"""Functions that several processes run as the ranks of a group, over gloo."""

import multiprocessing
import os
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch.distributed import destroy_process_group, init_process_group

from mmseg_kfold.fork_server import PRELOAD

CONTEXT = multiprocessing.get_context('forkserver')


def run_ranks(function, *arguments, size=2, **options):
    """What ``function`` returns in each of ``size`` new processes; an exception comes back as its text."""
    CONTEXT.set_forkserver_preload(PRELOAD)
    call = partial(function, *arguments, **options)
    with TemporaryDirectory() as folder:
        processes = [
            CONTEXT.Process(target=_run, args=(folder, Path.cwd(), rank, size, call), daemon=True)
            for rank in range(size)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(timeout=100)
        hanging = [process for process in processes if process.is_alive()]
        for process in hanging:
            process.kill()
        assert not hanging, 'the ranks wait for each other'
        return [torch.load(Path(folder, f'{rank}.pt'), weights_only=False) for rank in range(size)]


def _run(folder, place, rank, size, call):
    torch.set_num_threads(1)
    os.chdir(place)
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(size), LOCAL_RANK=str(rank))
    init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=size)
    try:
        result = call()
    except Exception as error:
        result = f'{type(error).__name__}: {error}'
    torch.save(result, f'{folder}/{rank}.pt')
    destroy_process_group()
