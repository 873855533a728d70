"""From the finished folds of a stage to its winner: rules, ingredients, candidate scores."""

from mmseg_custom.fusion.weight_scorer import WeightScorer
from mmseg_custom.fusion.winner import choose_winner

__all__ = ['WeightScorer', 'choose_winner']
