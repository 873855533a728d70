"""Where the weights of a run come from, and which images they have seen."""

from functools import partial

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_custom.config import initial_weights_of
from mmseg_custom.engine.distributed.main_process import on_main_process
from mmseg_custom.errors import StageError
from mmseg_custom.hooks.run_record import trace
from mmseg_custom.hooks.training import hook_of, is_training
from mmseg_custom.hooks.training_history_hook import monitor_of
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, weights_of
from mmseg_custom.ledger.lineage import Lineage, lineage_from, lineage_of
from mmseg_custom.plan.plan import check_initial_weights


@HOOKS.register_module()
class LineageHook(Hook):
    """Follows the weights of a run, and writes what it knows of them into every checkpoint.

    Attributes:
        lineage: Of the weights, complete before training; ``None`` before the initial weights are there.
        held_out_seen: Whether they may have been trained on images that the run validates on.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.lineage: Lineage | None = None
        self.held_out_seen = False

    def before_run(self, runner: Runner) -> None:
        """See that the initial weights are there.

        Raises:
            StageError: If the stage before has no winner, naming the folds that are missing and their commands.
        """
        if is_training(runner):
            runner._load_from = initial_weights_of(runner.cfg, runner._load_from)
            on_main_process(partial(check_initial_weights, runner.cfg, runner._load_from))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take up the lineage of the weights the run starts or resumes from; which it does, the runner knows."""
        if not is_training(runner):
            return
        meta = checkpoint.get('meta') or {}
        if runner._resume:
            self.lineage = lineage_of(meta)
        else:
            source = str(runner._load_from)
            self.lineage = lineage_from(meta, source, hash_weights(weights_of(checkpoint, source)))

    def before_train(self, runner: Runner) -> None:
        """Complete the lineage by what the run trains on."""
        self.lineage, self.held_out_seen = on_main_process(partial(trace, runner, self.lineage))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Say so where the images of a score were trained on."""
        if is_training(runner) and self.held_out_seen:
            monitor = monitor_of(runner)
            score = f'{monitor} {metrics[monitor]:.2f}'
            runner.logger.info(f'{score} is on images seen in training: it is optimistically biased.')

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write the lineage into the checkpoint."""
        checkpoint['meta']['lineage'] = self.lineage


def lineage_hook_of(runner: Runner) -> LineageHook:
    """The hook that follows the weights of a run.

    Raises:
        StageError: If the run has none.
    """
    found = hook_of(runner, LineageHook)
    if found is None:
        raise StageError("A run enters its stage's ledger with default_hooks.lineage=dict(type='LineageHook').")
    return found
