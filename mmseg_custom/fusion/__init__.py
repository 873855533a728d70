"""From the finished folds of a stage to its winner: rules, ingredients, candidate scores."""

from mmseg_custom.fusion.fuse_stage import choose_winner
from mmseg_custom.fusion.weight_scorer import WeightScorer

__all__ = ['WeightScorer', 'choose_winner']
