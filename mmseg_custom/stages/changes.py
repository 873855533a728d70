"""Runs that are not what their config would give now, and how they are put aside."""

from pathlib import Path

from mmengine.config import Config

from mmseg_custom.engine.files import move_aside, remove_leftovers
from mmseg_custom.engine.records import read_record, write_record
from mmseg_custom.engine.resume_points import resume_points
from mmseg_custom.stages.fingerprint import fingerprint, reason_to_doubt
from mmseg_custom.stages.lease import RUN_LEASE, Lease, sole_process
from mmseg_custom.stages.ledger import Entry, StageLedger
from mmseg_custom.stages.lineage import Lineage

RUN_FILE = 'run.json'


def record_start(cfg: Config, lineage: Lineage) -> None:
    """Write down in a run's folder what its resume points are going to be those of."""
    write_record({**fingerprint(cfg), 'lineage': lineage}, Path(cfg.work_dir) / RUN_FILE)


def begun_run(work_dir: str) -> Entry | None:
    """What :func:`record_start` wrote down for the resume points in a folder, ``None`` if there are none."""
    path = Path(work_dir) / RUN_FILE
    return read_record(path) if path.is_file() and resume_points(work_dir, epoch_length=1) else None


def change_of(cfg: Config, entry: Entry | None) -> str | None:
    """Why a run has to be trained anew, ``None`` if it is as its config says or has not begun.

    Args:
        cfg: The run's config.
        entry: Its record in the ledger, ``None`` while it has not finished.

    Returns:
        The rest of a sentence about the run: ``is finished, but ...``.
    """
    record = entry or begun_run(cfg.work_dir)
    reason = record and reason_to_doubt(cfg, record)
    return f'is {"finished" if entry else "half trained"}, but {reason}' if reason else None


def put_aside(ledger: StageLedger, configs: dict[str, Config]) -> list[Path]:
    """Move runs out of the way, finished or begun, with what was made of them; nothing is deleted.

    Args:
        ledger: Of their stage.
        configs: Of the runs, by member.

    Returns:
        The folders they were moved to.
    """
    begun = [_put_points_aside(Path(cfg.work_dir)) for cfg in configs.values()]
    return [folder for folder in [*begun, ledger.put_aside(list(configs))] if folder]


def remove_leftovers_of_run(ledger: StageLedger, member: str, work_dir: Path) -> None:
    """Delete what a killed run left in its folder: half-written files, its lease, points older than its record."""
    remove_leftovers(work_dir)
    Lease(work_dir / RUN_LEASE).remove_if_dead()
    if ledger.entry(member) is None:
        return
    finished = ledger.record_path(member).stat().st_mtime
    for point in resume_points(str(work_dir), epoch_length=1):
        if point.stat().st_mtime <= finished:
            point.unlink()


def _put_points_aside(work_dir: Path) -> Path | None:
    points = resume_points(str(work_dir), epoch_length=1)
    if not points:
        return None
    with sole_process(work_dir / RUN_LEASE, f'{work_dir} is being trained'):
        return move_aside([*points, work_dir / RUN_FILE], work_dir)
