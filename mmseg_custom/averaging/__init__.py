"""What becomes of the folds: pure functions on state dicts and scores."""

from mmseg_custom.averaging.average import AveragingError, average_state_dicts
from mmseg_custom.averaging.candidates import candidate_members, rank_folds

__all__ = ['AveragingError', 'average_state_dicts', 'candidate_members', 'rank_folds']
