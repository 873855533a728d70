"""One process at a time trains a run."""

from pathlib import Path

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_custom.engine.distributed.main_process import on_main_process
from mmseg_custom.hooks.training import is_training
from mmseg_custom.io.lease import RUN_LEASE, Lease, claim


@HOOKS.register_module()
class RunLeaseHook(Hook):
    """Holds the lease of the run's folder while it trains."""

    priority = 'LOWEST'

    def __init__(self) -> None:
        self._lease: Lease | None = None

    def before_run(self, runner: Runner) -> None:
        """Take the run.

        Raises:
            LeaseError: If another process trains it.
        """
        if is_training(runner):
            on_main_process(lambda: self._claim(Path(runner.work_dir)))

    def after_run(self, runner: Runner) -> None:
        """Let others train the run."""
        if self._lease is not None:
            self._lease.release()

    def _claim(self, work_dir: Path) -> None:
        self._lease = claim(work_dir / RUN_LEASE, f'{work_dir} is being trained')
