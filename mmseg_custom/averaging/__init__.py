"""What becomes of the folds: pure functions on state dicts and scores."""

from mmseg_custom.averaging.average import AveragingError, average_state_dicts
from mmseg_custom.averaging.batch_norm import recalibrate_batch_norm
from mmseg_custom.averaging.candidates import REFERENCE, Candidate, CandidateError, build_candidates, check_specs
from mmseg_custom.averaging.mixtures import fold_order, greedy_soup, rank_folds

__all__ = [
    'REFERENCE',
    'AveragingError',
    'Candidate',
    'CandidateError',
    'average_state_dicts',
    'build_candidates',
    'check_specs',
    'fold_order',
    'greedy_soup',
    'rank_folds',
    'recalibrate_batch_norm',
]
