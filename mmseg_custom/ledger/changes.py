"""Runs that are not what their config would give now, and how they are archived."""

from contextlib import nullcontext
from pathlib import Path

from mmengine.config import Config

from mmseg_custom.config import length_of
from mmseg_custom.engine.resume_points import NAME, resume_points
from mmseg_custom.fold_settings import source_of
from mmseg_custom.io.files import move_to_archive, remove_leftovers
from mmseg_custom.io.lease import RUN_LEASE, Lease, sole_process
from mmseg_custom.ledger.fingerprint import fingerprint, length_change, reason_to_doubt
from mmseg_custom.ledger.ledger_record import read_ledger_record, write_ledger_record
from mmseg_custom.ledger.lineage import Lineage
from mmseg_custom.ledger.stage_ledger import Entry, StageLedger

RUN_FILE = 'run.json'


def record_started(cfg: Config, lineage: Lineage) -> None:
    """Write down in a run's folder what its resume points are going to be those of."""
    write_ledger_record({**fingerprint(cfg), 'lineage': lineage}, Path(cfg.work_dir) / RUN_FILE)


def started_run(work_dir: str) -> Entry | None:
    """What :func:`record_started` wrote down for the resume points in a folder, ``None`` if there are none."""
    path = Path(work_dir) / RUN_FILE
    return read_ledger_record(path) if path.is_file() and resume_points(work_dir, epoch_length=1) else None


def change_of(cfg: Config, entry: Entry | None) -> str | None:
    """Why a run has to be trained anew, ``None`` if it is as its config says or has not started.

    Args:
        cfg: The run's config.
        entry: Its record in the ledger, ``None`` while it has not finished.

    Returns:
        The rest of a sentence about the run: ``is finished, but ...``.
    """
    record = entry or started_run(cfg.work_dir)
    reason = record and (reason_to_doubt(cfg, record) or _reason_not_to_extend(cfg, record, entry))
    return f'is {"finished" if entry else "half trained"}, but {reason}' if reason else None


def extension(cfg: Config, entry: Entry | None) -> tuple[int, int] | None:
    """The lengths, then and now, of a finished run that is to be trained longer; ``None`` for others."""
    lengths = entry and length_change(cfg, entry)
    return lengths if lengths and not change_of(cfg, entry) else None


def _reason_not_to_extend(cfg: Config, record: Entry, entry: Entry | None) -> str | None:
    """Why a run of another length cannot go on from its last state."""
    lengths = length_change(cfg, record)
    if lengths is None:
        return None
    unit, trained = length_of(cfg)[1], _trained(cfg, entry)
    if lengths[1] < trained:
        return f'{source_of(cfg)} asks for {lengths[1]} {unit}s, fewer than the {trained} that it has trained'
    if entry and not resume_points(cfg.work_dir, epoch_length=1):
        return (
            f'{source_of(cfg)} asks for {lengths[1]} {unit}s instead of {lengths[0]}, and {cfg.work_dir} has no '
            'state to go on from'
        )
    return None


def _trained(cfg: Config, entry: Entry | None) -> int:
    """What a run has behind it, as its loop counts, by its record or its resume points behind a validation."""
    kind = 'iter' if length_of(cfg)[1] == 'iteration' else 'epoch'
    if entry:
        return int(entry['history'][-1][kind]) if entry['history'] else 0
    names = [NAME.fullmatch(path.name) for path in resume_points(cfg.work_dir, epoch_length=1)]
    return max((int(name['number']) for name in names if name and name['kind'] == kind), default=0)


def archive(ledger: StageLedger, configs: dict[str, Config]) -> list[Path]:
    """Move runs out of the way, finished or started, with what was made of them; nothing is deleted.

    Args:
        ledger: Of their stage.
        configs: Of the runs, by name.

    Returns:
        The folders they were moved to.
    """
    points = [_archive_points(Path(cfg.work_dir)) for cfg in configs.values()]
    return [folder for folder in [*points, ledger.archive(list(configs))] if folder]


def remove_leftovers_of_run(ledger: StageLedger, run_name: str, work_dir: Path) -> None:
    """Delete what a killed run left in its folder: half-written files, its lease, points older than its record.

    The last of these stays: a longer training goes on from it.
    """
    remove_leftovers(work_dir)
    Lease(work_dir / RUN_LEASE).remove_if_dead()
    if ledger.entry(run_name) is None:
        return
    finished = ledger.record_path(run_name).stat().st_mtime
    for point in resume_points(str(work_dir), epoch_length=1)[1:]:
        if point.stat().st_mtime <= finished:
            point.unlink()


def standing_on(ledger: StageLedger) -> list[StageLedger]:
    """The stages beside a stage whose finished runs started from its files, or from those of one of these."""
    beside = [StageLedger(path) for path in sorted(ledger.folder.parent.glob('*/')) if path != ledger.folder]
    found, grown = [ledger], True
    while grown:
        folders = {one.folder.resolve() for one in found}
        more = [one for one in beside if one not in found and _started_in(one) & folders]
        found, grown = [*found, *more], bool(more)
    return found[1:]


def _started_in(ledger: StageLedger) -> set[Path]:
    """The folders of what the finished runs of a stage started from."""
    entries = ledger.entries(ledger.finished_runs()).values()
    return {Path(parent['file']).resolve().parent for entry in entries for parent in entry['lineage']['parents']}


def _archive_points(work_dir: Path) -> Path | None:
    points = resume_points(str(work_dir), epoch_length=1)
    if not points:
        return None
    path = work_dir / RUN_LEASE
    with nullcontext() if Lease(path).is_own() else sole_process(path, f'{work_dir} is being trained'):
        return move_to_archive([*points, work_dir / RUN_FILE], work_dir)
