"""The files that a run can go on from: ``epoch_<n>.pth`` behind an epoch, ``iter_<n>.pth`` elsewhere.

``StageCheckpointHook`` and MMEngine's ``CheckpointHook`` call theirs so.
"""

import re
from collections.abc import Iterable
from logging import WARNING
from pathlib import Path

from mmengine.logging import print_log
from mmengine.runner import Runner

from mmseg_custom.engine.train_loop import ResumeError
from mmseg_custom.io.checkpoints.checkpoint_file import CheckpointError, check_resume_point

EARLIER = 'earlier_'
NAME = re.compile(r'(?P<kind>epoch|iter)_(?P<number>\d+)\.pth')


def resume_points(work_dir: str, epoch_length: int) -> list[Path]:
    """The resume points in a folder, those of later iterations first.

    Args:
        work_dir: The folder.
        epoch_length: Batches of an epoch.
    """
    found = [path for path in Path(work_dir).glob('*.pth') if NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: _position(path, epoch_length), reverse=True)


def newest_good_point(work_dir: str, epoch_length: int) -> str | None:
    """The file in a folder, or noted there by MMEngine's ``CheckpointHook``, that a run goes on from.

    Args:
        work_dir: The folder.
        epoch_length: Batches of an epoch.

    Returns:
        The newest that can be used; ``None`` if there is no file at all.

    Raises:
        ResumeError: If there are some, and none can be used.
    """
    points, noted = resume_points(work_dir, epoch_length), last_checkpoint(work_dir)
    failures: list[str] = []
    elsewhere = [noted] if noted and noted not in points else []
    found = [good for paths in (elsewhere, points) if (good := _first_good(paths, failures))]
    if found:
        return str(max(found)[1])
    if failures:
        names = ', '.join(str(path) for path in [*elsewhere, *points])
        raise ResumeError(
            f'None of the files that {work_dir} has to resume from can be used ({names}): {failures[0]} To start '
            'from the beginning move them away, or start without --resume.'
        )
    print_log(f'No checkpoint to resume from in {work_dir}: starting from the beginning.', 'current')
    return None


def _first_good(paths: Iterable[Path], failures: list[str]) -> tuple[int, Path] | None:
    """The first that can be used, behind its iteration; why others cannot is added to ``failures``."""
    for path in paths:
        try:
            return check_resume_point(path), path
        except (CheckpointError, FileNotFoundError) as error:
            failures.append(str(error))
            print_log(f'{error} Trying the one before.', 'current', WARNING)
    return None


def last_checkpoint(work_dir: str) -> Path | None:
    """The file that MMEngine's ``CheckpointHook`` has noted as its newest, which may lie in another folder.

    Where the folder was moved, it is the file of that name in it.
    """
    note = Path(work_dir) / 'last_checkpoint'
    noted = note.read_text(encoding='utf-8', errors='replace').strip() if note.is_file() else ''
    if not noted:
        return None
    moved = Path(work_dir) / Path(noted).name
    return moved if moved.is_file() or not Path(noted).is_file() else Path(noted)


def replaced_points(newest: Path, epoch_length: int, keep: int) -> list[Path]:
    """What can go now that ``newest`` is there: all but the ``keep - 1`` before it.

    Points of the same or later iterations go too: they await a validation that is now done, or are damaged.
    """
    points = resume_points(str(newest.parent), epoch_length)
    iteration = _position(newest, epoch_length)[0]
    before = [path for path in points if _position(path, epoch_length)[0] < iteration]
    return [path for path in points if path not in (newest, *before[: keep - 1])]


def archive(runner: Runner) -> None:
    """Rename the resume points of an earlier run in the same folder."""
    for path in resume_points(runner.work_dir, 1):
        archive = path.replace(path.with_name(f'{EARLIER}{path.name}'))
        runner.logger.warning(
            f'{path.name} of an earlier run is now {archive.name}: this run starts from the beginning. If it was '
            'meant to go on, stop it, rename the file back and start with --resume.'
        )


def delete_resume_points(work_dir: str, epoch_length: int) -> None:
    """Free the space of a finished run's resume points, but for its last state: a longer training goes on from it."""
    kept = resume_points(work_dir, epoch_length)[:1]
    for path in Path(work_dir).glob('*.pth'):
        if NAME.fullmatch(path.name.removeprefix(EARLIER)) and path not in kept:
            path.unlink()


def _position(path: Path, epoch_length: int) -> tuple[int, bool]:
    """The number of iterations done, and whether the epoch that they complete is validated."""
    name = NAME.fullmatch(path.name)
    validated = name['kind'] == 'epoch'
    return int(name['number']) * (epoch_length if validated else 1), validated
