"""The trial of a training in a process of a pool, which gives memory and GPU back when it ends."""

from collections.abc import Mapping
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from mmseg_custom.errors import UserError
from mmseg_custom.io.files import read_json, write_json
from mmseg_custom.launchers.pool import Job, Pool
from mmseg_custom.launchers.worker import joined_pool, take_slot
from mmseg_custom.preflight.trial_error import SMALLER, TrialError
from mmseg_custom.preflight.try_training import Measured, try_training

NAME = 'preflight'
KILLED = -9


def run_trial(cfg: Config, pool: Pool, log: Path) -> Measured:
    """Try the training of a run, see :func:`~mmseg_custom.preflight.try_training.try_training`.

    Args:
        cfg: Of the run.
        pool: Gives the process.
        log: Takes what the trial prints; an older one is replaced.

    Raises:
        TrialError: What will not work, and how to mend it.
        RecipeStopped: If the pool was told to stop.
    """
    log.unlink(missing_ok=True)
    with TemporaryDirectory(prefix='mmseg-kfold-') as folder:
        outcome = Path(folder) / 'outcome.json'
        job = Job(NAME, _try, (cfg, Path(folder), outcome, log), log)
        failed = pool.run([job], lambda _: None)
        found = read_json(outcome) if outcome.is_file() else {}
    if 'measured' in found:
        return Measured(**found['measured'])
    if 'error' in found:
        raise TrialError(f'{found["error"]}\nNothing was trained. All that the trial printed is in {log}.')
    reason = str(failed[NAME])
    if f'killed by signal {-KILLED}' in reason:
        reason = f'The trial of a training step was killed, which mostly is for want of memory. {SMALLER}'
    raise TrialError(f'{reason}\nNothing was trained. All that the trial printed is in {log}.')


def _try(cfg: Config, folder: Path, outcome: Path, log: Path, progress: Connection, slot: Mapping[str, str]) -> None:
    take_slot(slot)
    with joined_pool(log):
        try:
            import_modules_from_strings(**cfg.get('custom_imports', {'imports': []}))
            write_json({'measured': asdict(try_training(cfg, folder))}, outcome)
        except (UserError, OSError) as error:
            write_json({'error': str(error)}, outcome)
            raise
