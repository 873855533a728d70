"""What happens on the way of a training run."""

from mmseg_custom.engine.hooks.divergence_hook import DivergenceError, DivergenceHook
from mmseg_custom.engine.hooks.iteration_seed_hook import IterationSeedHook
from mmseg_custom.engine.hooks.preemption_hook import PreemptionHook
from mmseg_custom.engine.hooks.stage_checkpoint_hook import StageCheckpointHook
from mmseg_custom.engine.hooks.training_history_hook import TrainingHistoryHook

__all__ = [
    'DivergenceError',
    'DivergenceHook',
    'IterationSeedHook',
    'PreemptionHook',
    'StageCheckpointHook',
    'TrainingHistoryHook',
]
