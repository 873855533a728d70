"""Stages and folds of a plan, what of it is done, and its run."""

from mmseg_custom.plan.plan import Plan, PlannedRun, PlannedStage
from mmseg_custom.plan.recipe import Recipe

__all__ = ['Plan', 'PlannedRun', 'PlannedStage', 'Recipe']
