"""The process of the peers: `python -m benchmarks.peers`, spoken to by ``benchmarks.peers.client``."""

import torch

from benchmarks.frame import Measure
from benchmarks.worker import serve


def prepare(name: str, threads: int = 1, **arguments: object) -> Measure:
    """Import a peer and make its inputs."""
    torch.set_num_threads(threads)
    if name == 'albumentations':
        from benchmarks.peers.samples import albumentations_sample

        return albumentations_sample(**arguments)
    from benchmarks.peers.losses import loss_step

    return loss_step(name, **arguments)


serve(prepare)
