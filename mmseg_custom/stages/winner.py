"""From the finished folds of a stage to its winner."""

import math
from collections.abc import Callable
from pathlib import Path

from mmengine.logging import print_log
from torch import Tensor

from mmseg_custom.averaging import average_state_dicts, candidate_members
from mmseg_custom.engine.checkpoint_io import (
    hash_weights,
    load_checkpoint_file,
    load_weights,
    save_checkpoint_file,
)
from mmseg_custom.stages.ledger import Entry, StageError, StageLedger
from mmseg_custom.stages.lineage import average_lineage

KEPT_META = ('dataset_meta', 'cfg', 'seed', 'mmengine_version')

Scorer = Callable[[dict[str, Tensor]], dict[str, float]]


def choose_winner(ledger: StageLedger, members: list[str], scorer: Scorer) -> Entry:
    """Build and score the candidates of a complete stage, and enter the best as its winner.

    Folds are averaged in fold order, whatever order they finished in. Of equal candidates the simpler one wins.

    Args:
        ledger: Of the stage.
        members: The names of all its runs.
        scorer: Gives the metrics of a state dict on the official val split.

    Returns:
        The outcome as entered.

    Raises:
        StageError: If a run is missing or its weights are not those of the ledger.
    """
    missing = ledger.missing(members)
    if missing:
        raise StageError(f'{ledger.folder} has no winner yet: {", ".join(missing)} not finished.')
    entries = ledger.entries(members)
    groups = candidate_members({name: entry['val']['mIoU'] for name, entry in entries.items()})
    candidates = {
        name: _candidate(ledger, name, {member: entries[member] for member in group}, scorer)
        for name, group in groups.items()
    }
    best = max(candidates, key=lambda name: _comparable(candidates[name]['val']['mIoU']))
    outcome = {
        'stage': ledger.folder.name,
        'members': {name: entry['weights'] for name, entry in entries.items()},
        'candidates': candidates,
        'winner': best,
        'weights': candidates[best]['weights'],
        'selected_on': 'val',
    }
    ledger.record_outcome(outcome, ledger.folder / candidates[best]['file'])
    return outcome


def _candidate(ledger: StageLedger, name: str, members: dict[str, Entry], scorer: Scorer) -> Entry:
    """One member is its own candidate; several are averaged, saved and scored."""
    states = [_verified_weights(ledger.weights_path(member), entry) for member, entry in members.items()]
    if len(members) == 1:
        member, entry = next(iter(members.items()))
        kept = {key: entry[key] for key in ('weights', 'val', 'lineage')}
        return {'members': [member], 'file': f'{member}.pth', **kept}
    weights = average_state_dicts(states)
    lineage = average_lineage({f'{member}.pth': entry for member, entry in members.items()})
    meta = load_checkpoint_file(ledger.weights_path(next(iter(members))))['meta']
    kept = {key: meta[key] for key in KEPT_META if key in meta}
    save_checkpoint_file({'meta': {**kept, 'lineage': lineage}, 'state_dict': weights}, ledger.weights_path(name))
    scores = scorer(weights)
    print_log(f'{ledger.folder.name} {name} ({", ".join(members)}): {scores["mIoU"]:.2f} mIoU', logger='current')
    entry = {'weights': hash_weights(weights), 'val': scores, 'lineage': lineage}
    return {'members': list(members), 'file': f'{name}.pth', **entry}


def _verified_weights(path: Path, entry: Entry) -> dict[str, Tensor]:
    weights = load_weights(path)
    if hash_weights(weights) != entry['weights']:
        raise StageError(
            f'The weights in {path} are not those of its ledger entry {path.stem}.json: restore the file, or delete '
            'both to train that fold again.'
        )
    return weights


def _comparable(score: float) -> float:
    return -math.inf if math.isnan(score) else score
