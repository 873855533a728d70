"""From the finished folds of a stage to its winner."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mmengine.logging import print_log
from torch import Tensor

from mmseg_custom.averaging import candidate_members
from mmseg_custom.stages.ledger import Entry, StageError, StageLedger
from mmseg_custom.stages.parents import KEPT_META, Parent, read_parent, save_average

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
    parents = {name: _verified(ledger.weights_path(name), entry) for name, entry in entries.items()}
    groups = candidate_members({name: entry['val']['mIoU'] for name, entry in entries.items()})
    candidates = {
        name: _candidate(ledger, name, {member: parents[member] for member in group}, entries, scorer)
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


def _candidate(ledger: StageLedger, name: str, members: dict[str, Parent], entries: Entry, scorer: Scorer) -> Entry:
    """One member is its own candidate; several are averaged, saved and scored."""
    if len(members) == 1:
        member = next(iter(members))
        kept = {key: entries[member][key] for key in ('weights', 'val', 'lineage')}
        return {'members': [member], 'file': f'{member}.pth', **kept}
    parents = {f'{member}.pth': parent for member, parent in members.items()}
    weights, entry = save_average(parents, ledger.weights_path(name), (*KEPT_META, 'cfg'))
    scores = scorer(weights)
    print_log(f'{ledger.folder.name} {name} ({", ".join(members)}): {scores["mIoU"]:.2f} mIoU', logger='current')
    return {'members': list(members), 'file': f'{name}.pth', **entry, 'val': scores}


def _verified(path: Path, entry: Entry) -> Parent:
    parent = read_parent(path)
    if parent.checksum != entry['weights']:
        raise StageError(
            f'The weights in {path} are not those of its ledger entry {path.stem}.json: restore the file, or delete '
            'both to train that fold again.'
        )
    return replace(parent, lineage=entry['lineage'])


def _comparable(score: float) -> float:
    return -math.inf if math.isnan(score) else score
