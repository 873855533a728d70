"""The ledger of a stage: one file a finished run, one for the outcome, each renamed into place."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmseg_custom.averaging import fold_order
from mmseg_custom.config import WINNER_FILE
from mmseg_custom.errors import StageError
from mmseg_custom.io.checkpoints.checkpoint_file import save_checkpoint_file
from mmseg_custom.io.files import PathLike, move_to_archive, place_copy
from mmseg_custom.ledger.held_out_counts import HeldOutCounts, counts_file, write_counts
from mmseg_custom.ledger.ledger_record import read_ledger_record, write_ledger_record

OUTCOME_FILE = 'stage.json'
RUN_NAME = re.compile(r'full|fold\d+')
DRAFTS = 'fusing'
SNAPSHOTS = 'snapshots'
EARLY_STOP = 'early_stop'

Entry = dict[str, Any]


def name_of_run(fold: int | None) -> str:
    """The name of a run in the ledger: ``fold<k>``, or ``full`` for a stage without folds."""
    return 'full' if fold is None else f'fold{fold}'


def names_of_runs(num_folds: int | None) -> list[str]:
    """The names of all runs of a stage of ``num_folds`` folds, or of one without folds."""
    return [name_of_run(None)] if num_folds is None else [name_of_run(k) for k in range(1, num_folds + 1)]


def snapshots(name: str, entry: Entry) -> dict[str, Entry]:
    """What the record of a run says of its best weights, under its name, and of the others that were kept."""
    others = {f'{name}_{kind}': {**entry, **found} for kind, found in entry.get(SNAPSHOTS, {}).items()}
    return {name: entry, **others}


class StageLedger:
    """Reads and writes the folder of a stage; all names in its files are relative to the folder.

    ``<run>.json`` and ``<run>.pth`` are the record and the best weights of a finished run; ``<candidate>.pth``
    an average, in ``fusing/`` until there is an outcome; ``<run>.failed.json`` why a run has failed;
    ``stage.json`` the outcome; ``winner.pth`` the weights the next stage starts from.

    Args:
        folder: ``work_dirs/<recipe>/stage<S>``.
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder = Path(folder)

    @property
    def winner_path(self) -> Path:
        """Where the winner's weights are."""
        return self.folder / WINNER_FILE

    @property
    def lease_path(self) -> Path:
        """The lease of whoever fuses the stage."""
        return self.folder / 'fusing.lease'

    def weights_path(self, name: str) -> Path:
        """Where the weights of a run or candidate are."""
        return self.folder / f'{name}.pth'

    def draft_path(self, name: str) -> Path:
        """Where a candidate waits for the outcome that it is part of."""
        return self.folder / DRAFTS / f'{name}.pth'

    def record_path(self, name: str) -> Path:
        """Where the record of a run is."""
        return self.folder / f'{name}.json'

    def record(
        self,
        name: str,
        entry: Entry,
        checkpoint: PathLike,
        others: Mapping[str, Entry] | None = None,
        counts: HeldOutCounts | None = None,
    ) -> None:
        """Enter a finished run: an older record goes first, the new one comes last, so none is of other weights.

        The older one, its weights and what was made of them are archived.

        Args:
            name: Of the run.
            entry: Its record.
            checkpoint: The file of its best weights.
            others: Its other snapshots, as checkpoints by kind.
            counts: What it gets right on its held-out images, if it was scored on them.
        """
        if self.record_path(name).is_file():
            self.archive([name])
        for kind, snapshot in (others or {}).items():
            save_checkpoint_file(snapshot, self.weights_path(f'{name}_{kind}'))
        place_copy(checkpoint, self.weights_path(name))
        if counts is not None:
            write_counts(counts, counts_file(self.folder, name))
        write_ledger_record(entry, self.record_path(name))
        self.forget_failure(name)

    def record_failure(self, name: str, reason: str) -> None:
        """Enter why a run has failed, until it finishes."""
        write_ledger_record({'reason': reason}, self._failure_path(name))

    def forget_failure(self, name: str) -> None:
        """Remove what :meth:`record_failure` entered."""
        self._failure_path(name).unlink(missing_ok=True)

    def failures(self, names: list[str]) -> dict[str, str]:
        """Why runs among ``names`` have failed, by name."""
        paths = {name: self._failure_path(name) for name in names}
        return {name: read_ledger_record(path)['reason'] for name, path in paths.items() if path.is_file()}

    def _failure_path(self, name: str) -> Path:
        return self.folder / f'{name}.failed.json'

    def entry(self, name: str) -> Entry | None:
        """The record of a run, ``None`` while it has not finished.

        Raises:
            StageError: If its weights are gone, or another version of the project wrote it.
            JsonError: If the record is damaged.
        """
        path = self.record_path(name)
        if not path.is_file():
            return None
        entry = read_ledger_record(path)
        if not self.weights_path(name).is_file():
            raise StageError(f'{path} is there but {name}.pth is gone: restore it, or delete {path.name} to retrain.')
        return entry

    def entries(self, names: list[str]) -> dict[str, Entry]:
        """The records of the finished runs among ``names``, in fold order."""
        found = {name: self.entry(name) for name in sorted(names, key=fold_order)}
        return {name: entry for name, entry in found.items() if entry is not None}

    def missing(self, names: list[str]) -> list[str]:
        """The runs among ``names`` that have not finished."""
        return [name for name in names if self.entry(name) is None]

    def awaited(self, names: list[str], allow_missing: bool = False) -> list[str]:
        """The runs among ``names`` that a stage is made of: all, or those that have not failed."""
        failed = self.failures(names) if allow_missing else {}
        return [name for name in names if name not in failed]

    def finished_runs(self) -> list[str]:
        """The names of all finished runs in the folder, in fold order."""
        names = [path.stem for path in self.folder.glob('*.json') if RUN_NAME.fullmatch(path.stem)]
        return sorted(names, key=fold_order)

    def outcome(self, run_names: list[str] | None = None) -> Entry | None:
        """The candidates and the winner, ``None`` until they are made from the runs now in the ledger.

        Args:
            run_names: The runs it has to be made of. Defaults to ``None``: those it was made of, whichever.
        """
        path = self.folder / OUTCOME_FILE
        if not path.is_file() or not self.winner_path.is_file():
            return None
        outcome = read_ledger_record(path)
        if run_names is not None and set(run_names) != set(outcome['runs']):
            return None
        current = {name: entry['weights'] for name, entry in self.entries(list(outcome['runs'])).items()}
        return outcome if outcome['runs'] == current else None

    def recorded_weights(self, file: str) -> str | None:
        """The checksum of the weights in one of the folder's files, the winner's or a run's; ``None`` for others."""
        name = Path(file).stem
        record = self.entry(name) if RUN_NAME.fullmatch(name) else self.outcome() if file == WINNER_FILE else None
        return record['weights'] if record else None

    def holds(self, file: PathLike) -> bool:
        """Whether a file is among the weights that the records of the folder speak of."""
        names = self.finished_runs()
        recorded = [file for name in names for file in self._snapshots(name)]
        outcome = self._outcome_record()
        files = {f'{name}.pth' for name in (*recorded, *outcome.get('candidates', {}))}
        return Path(file).name in files | ({WINNER_FILE} if outcome else set())

    def archive(self, names: list[str]) -> Path | None:
        """Move finished runs, and whatever was made of them, into a folder of their own; nothing is deleted.

        The records go first: without them the rest counts for nothing.

        Returns:
            The folder, ``None`` if there was nothing to move.
        """
        records = {name: self.record_path(name) for name in names if self.record_path(name).is_file()}
        weights = [file for name in records for file in self._snapshots(name)]
        outcome = self._outcome_record()
        others = [name for name in self.finished_runs() if name not in names]
        kept = {file for name in others for file in self._snapshots(name)}
        made = [name for name in outcome.get('candidates', {}) if name not in kept]
        files = [self.folder / OUTCOME_FILE, *records.values(), self.winner_path]
        files += [counts_file(self.folder, name) for name in names]
        files += [self.weights_path(name) for name in dict.fromkeys([*names, *weights, *made])]
        return move_to_archive(files, self.folder)

    def _snapshots(self, name: str) -> dict[str, Entry]:
        return snapshots(name, read_ledger_record(self.record_path(name)))

    def _outcome_record(self) -> Entry:
        path = self.folder / OUTCOME_FILE
        return read_ledger_record(path) if path.is_file() else {}

    def record_outcome(self, outcome: Entry, winner: PathLike) -> None:
        """Enter the outcome: the older record goes, then the weights take their places, then the record comes.

        What a process that is killed on the way leaves has no record, and is made anew.

        Args:
            outcome: The record.
            winner: A file of the folder, or of a candidate that is still a draft.
        """
        (self.folder / OUTCOME_FILE).unlink(missing_ok=True)
        for draft in sorted((self.folder / DRAFTS).glob('*.pth')):
            draft.replace(self.folder / draft.name)
        self.forget_drafts()
        place_copy(winner, self.winner_path)
        write_ledger_record(outcome, self.folder / OUTCOME_FILE)

    def forget_drafts(self) -> None:
        """Delete the candidates of a fusing that came to no end."""
        shutil.rmtree(self.folder / DRAFTS, ignore_errors=True)

    def amend_outcome(self, entries: Entry) -> None:
        """Enter more about the outcome that is there; its weights stay."""
        path = self.folder / OUTCOME_FILE
        write_ledger_record({**read_ledger_record(path), **entries}, path)
