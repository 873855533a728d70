"""The files that a run can go on from: ``epoch_<n>.pth`` behind a validation, ``iter_<n>.pth`` elsewhere."""

import re
from pathlib import Path

from mmengine.runner import Runner

ASIDE = 'earlier_'
NAME = re.compile(r'(?P<kind>epoch|iter)_(?P<number>\d+)\.pth')


def resume_points(work_dir: str, epoch_length: int) -> list[Path]:
    """The resume points in a folder, those of later iterations first.

    Args:
        work_dir: The folder.
        epoch_length: Batches of an epoch.
    """
    found = [path for path in Path(work_dir).glob('*.pth') if NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: _position(path, epoch_length), reverse=True)


def replaced_points(newest: Path, epoch_length: int, keep: int) -> list[Path]:
    """What can go now that ``newest`` is there: all but the ``keep - 1`` before it.

    Points of the same or later iterations go too: they await a validation that is now done, or are damaged.
    """
    points = resume_points(str(newest.parent), epoch_length)
    iteration = _position(newest, epoch_length)[0]
    before = [path for path in points if _position(path, epoch_length)[0] < iteration]
    return [path for path in points if path not in (newest, *before[: keep - 1])]


def put_aside(runner: Runner) -> None:
    """Rename the resume points of an earlier run in the same folder."""
    for path in resume_points(runner.work_dir, 1):
        aside = path.replace(path.with_name(f'{ASIDE}{path.name}'))
        runner.logger.warning(
            f'{path.name} of an earlier run is now {aside.name}: this run starts from the beginning. If it was '
            'meant to go on, stop it, rename the file back and start with --resume.'
        )


def delete_resume_points(work_dir: str, epoch_length: int) -> None:
    """Free the space of a finished run's resume points, but for its last state: a longer training goes on from it."""
    kept = resume_points(work_dir, epoch_length)[:1]
    for path in Path(work_dir).glob('*.pth'):
        if NAME.fullmatch(path.name.removeprefix(ASIDE)) and path not in kept:
            path.unlink()


def _position(path: Path, epoch_length: int) -> tuple[int, bool]:
    """The number of iterations done, and whether the epoch that they complete is validated."""
    name = NAME.fullmatch(path.name)
    validated = name['kind'] == 'epoch'
    return int(name['number']) * (epoch_length if validated else 1), validated
