"""Makes the network's own randomness a function of the iteration."""

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seeds PyTorch before every iteration from (seed, iteration, rank).

    Dropout then needs no saved generator state: an interrupted run draws what an uninterrupted one would have.
    """

    # Before any hook that might draw a random number in this iteration.
    priority = 'VERY_HIGH'

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None) -> None:
        """Seed the generators of all devices."""
        words = np.random.SeedSequence((runner.seed, runner.iter, runner.rank)).generate_state(2)
        torch.manual_seed(int(words[0]) << 32 | int(words[1]))
