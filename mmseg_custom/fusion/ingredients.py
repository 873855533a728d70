"""What the candidates of a stage are made of: its folds, their other snapshots, and what it started with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from mmseg_custom.averaging.mixtures import INITIAL, Coefficients
from mmseg_custom.errors import StageError
from mmseg_custom.fusion.parents import Parent, read_parent
from mmseg_custom.io.checkpoints.checkpoint_file import CheckpointError
from mmseg_custom.ledger.fingerprint import disagreement
from mmseg_custom.ledger.stage_ledger import Entry, StageLedger, snapshots


@dataclass(frozen=True)
class Ingredients:
    """The weights that the candidates of a complete stage are made of.

    Attributes:
        entries: The records of its runs, in fold order.
        parents: The weights of runs and snapshots by name, and as ``'initial'`` those that all runs started from, if
            these are one and the same and still there.
        part: The part of the data set whose scores count.
    """

    entries: Mapping[str, Entry]
    parents: Mapping[str, Parent]
    part: str

    @cached_property
    def records(self) -> dict[str, Entry]:
        """What the ledger says of each run and snapshot."""
        return {name: record for run, entry in self.entries.items() for name, record in snapshots(run, entry).items()}

    @property
    def scores(self) -> dict[str, float]:
        """The mIoU of the best epoch of each run."""
        return {name: entry[self.part]['mIoU'] for name, entry in self.entries.items()}

    @property
    def snapshot_scores(self) -> dict[str, float]:
        """The mIoU of every run and snapshot."""
        return {name: record[self.part]['mIoU'] for name, record in self.records.items()}

    def of(self, coefficients: Coefficients) -> list[Parent]:
        """The weights of a mixture, in its order."""
        return [self.parents[name] for name in coefficients]


def read_ingredients(ledger: StageLedger, names: list[str], part: str) -> Ingredients:
    """Map the weights of a stage's runs.

    Raises:
        StageError: If a run is missing, has no score on ``part``, is of another experiment than the others, or its
            weights are not those of the ledger.
    """
    missing = ledger.missing(names)
    if missing:
        raise StageError(f'{ledger.folder} has no winner yet: {", ".join(missing)} not finished.')
    entries = ledger.entries(names)
    check_agreement(ledger, entries)
    unscored = [name for name, entry in entries.items() if part not in entry]
    if unscored:
        raise StageError(
            f'{ledger.folder}: {", ".join(unscored)} has no score on {part}: it was trained with another '
            'fold_average.select_on. Take that one, or train it anew.'
        )
    records = {name: record for run, entry in entries.items() for name, record in snapshots(run, entry).items()}
    parents = {name: _verified(ledger.weights_path(name), record) for name, record in records.items()}
    start = _read_start(entries.values(), next(iter(parents.values())))
    return Ingredients(entries, {**parents, **({INITIAL: start} if start else {})}, part)


def check_agreement(ledger: StageLedger, entries: Mapping[str, Entry], whatever_length: bool = False) -> None:
    """See that the runs of a stage are of one experiment.

    Arguments as :func:`~mmseg_custom.ledger.fingerprint.disagreement`.

    Raises:
        StageError: If they are not, with what they differ in.
    """
    reason = disagreement(entries, whatever_length)
    if reason:
        raise StageError(
            f'{ledger.folder}: {reason}. The folds of a stage are fused, so they differ in their fold alone: give '
            'their configs the same values, or train those that are there anew with --force.'
        )


def _verified(path: Path, record: Entry) -> Parent:
    parent = read_parent(path)
    if parent.checksum != record['weights']:
        raise StageError(
            f'The weights in {path} are not those of its ledger entry {path.stem}.json: restore the file, or delete '
            'both to train that fold again.'
        )
    return replace(parent, file=path.name, lineage=record['lineage'])


def _read_start(entries: Iterable[Entry], example: Parent) -> Parent | None:
    starts = {(parent['file'], parent['weights']) for entry in entries for parent in entry['lineage']['parents']}
    if len(starts) != 1:
        return None
    file, checksum = starts.pop()
    try:
        start = read_parent(file) if Path(file).is_file() else None
    except CheckpointError:
        return None
    same = start is not None and start.checksum == checksum and start.weights.keys() == example.weights.keys()
    return start if same else None
