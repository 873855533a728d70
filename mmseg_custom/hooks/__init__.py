"""Every hook of the project, one duty each."""

from mmseg_custom.hooks.data_check_hook import DataCheckHook
from mmseg_custom.hooks.distillation_hook import DistillationHook
from mmseg_custom.hooks.divergence_hook import DivergenceError, DivergenceHook
from mmseg_custom.hooks.file_size_visualization_hook import FileSizeVisualizationHook
from mmseg_custom.hooks.fold_average_hook import FoldAverageHook
from mmseg_custom.hooks.iteration_seed_hook import IterationSeedHook
from mmseg_custom.hooks.lineage_hook import LineageHook
from mmseg_custom.hooks.preemption_hook import PreemptionHook
from mmseg_custom.hooks.run_lease_hook import RunLeaseHook
from mmseg_custom.hooks.run_record_hook import RunRecordHook
from mmseg_custom.hooks.skipped_samples_hook import SkippedSamplesHook
from mmseg_custom.hooks.stage_checkpoint_hook import StageCheckpointHook
from mmseg_custom.hooks.training_history_hook import TrainingHistoryHook

__all__ = [
    'DataCheckHook',
    'DistillationHook',
    'DivergenceError',
    'DivergenceHook',
    'FileSizeVisualizationHook',
    'FoldAverageHook',
    'IterationSeedHook',
    'LineageHook',
    'PreemptionHook',
    'RunLeaseHook',
    'RunRecordHook',
    'SkippedSamplesHook',
    'StageCheckpointHook',
    'TrainingHistoryHook',
]
