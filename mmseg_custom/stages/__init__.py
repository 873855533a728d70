"""What comes next: the plan, the ledger of what is done, lineage, and the runner of the whole recipe."""

from mmseg_custom.stages.fold_average_hook import FoldAverageHook
from mmseg_custom.stages.ledger import StageError, StageLedger
from mmseg_custom.stages.plan import Plan, PlannedRun, PlannedStage
from mmseg_custom.stages.pools.local_pool import LocalPool
from mmseg_custom.stages.pools.pool import Pool
from mmseg_custom.stages.pools.ray_pool import RayPool
from mmseg_custom.stages.recipe import Recipe
from mmseg_custom.stages.scoring import WeightScorer
from mmseg_custom.stages.stage_runner import StageRunner
from mmseg_custom.stages.winner import choose_winner

__all__ = [
    'FoldAverageHook',
    'LocalPool',
    'Plan',
    'PlannedRun',
    'PlannedStage',
    'Pool',
    'RayPool',
    'Recipe',
    'StageError',
    'StageLedger',
    'StageRunner',
    'WeightScorer',
    'choose_winner',
]
