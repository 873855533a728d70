"""Fuses the folds of a stage when the last of them is done."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_custom.engine.distributed.main_process import lead
from mmseg_custom.errors import StageError
from mmseg_custom.fusion.fuse_stage import choose_winner
from mmseg_custom.fusion.rules import FusionRules
from mmseg_custom.fusion.weight_scorer import Scorer, WeightScorer
from mmseg_custom.hooks.run_record import num_folds_of
from mmseg_custom.io.files import PathLike
from mmseg_custom.io.lease import lease
from mmseg_custom.ledger.fingerprint import disagreement
from mmseg_custom.ledger.stage_ledger import StageLedger, names_of_runs


@HOOKS.register_module()
class FoldAverageHook(Hook):
    """Fuses a stage after the run that completes it.

    When all runs of the stage are in its ledger (:class:`RunRecordHook`), it builds the candidates (best fold,
    average of all, average of the best), scores them on the official val split (``test_dataloader``) and puts the
    winner where the next stage's ``load_from`` expects it.

    Args:
        stage_dir: The folder of the stage, ``work_dirs/<recipe>/stage<S>``.
        monitor: That of ``default_hooks.history``, which decides. Defaults to ``None``: read there.
        allow_missing: Fuse the other runs when one has failed (diverged); by default the stage waits for it.
        keep_last: Keep and score the weights of a run's last epoch too, and the average of MMEngine's ``EMAHook`` if
            there is one: the greedy soup takes them. Defaults to ``False``.
        bn_images: As :class:`WeightScorer`.
        **rules: As :class:`FusionRules`.
    """

    # It reads what the others have left behind: history, best checkpoint, last weights.
    priority = 'LOWEST'

    def __init__(
        self,
        stage_dir: PathLike | None,
        monitor: str | None = None,
        allow_missing: bool = False,
        keep_last: bool = False,
        bn_images: int | None = None,
        **rules: Any,
    ) -> None:
        if stage_dir is None:
            raise StageError('Say where the stage is kept: default_hooks.fold_average.stage_dir.')
        self.ledger = StageLedger(stage_dir)
        self.allow_missing, self.bn_images = allow_missing, bn_images
        self.rules = FusionRules(**rules)

    def after_train(self, runner: Runner) -> None:
        """Fuse the stage if it is complete; all processes score, all else is the main one's."""
        if not self.rules.candidates:
            return
        scorer = WeightScorer(runner.cfg, self.bn_images)
        lead(lambda score: self._fuse_if_complete(runner, score), scorer.together)

    def _fuse_if_complete(self, runner: Runner, scorer: Scorer) -> None:
        run_names = self.ledger.awaited(names_of_runs(num_folds_of(runner)), self.allow_missing)
        missing = self.ledger.missing(run_names)
        if missing:
            runner.logger.info(f'{self.ledger.folder.name} waits for {", ".join(missing)}.')
        elif self.ledger.outcome(run_names) is None:
            reason = disagreement(self.ledger.entries(run_names))
            if reason:
                runner.logger.warning(f'{self.ledger.folder.name} is not fused: {reason}. Train its folds alike.')
                return
            self._fuse(runner, run_names, scorer)

    def _fuse(self, runner: Runner, run_names: list[str], scorer: Scorer) -> None:
        with lease(self.ledger.lease_path) as held:
            if held and self.ledger.outcome(run_names) is None:
                outcome = choose_winner(self.ledger, run_names, scorer, self.rules)
                runner.logger.info(
                    f'{outcome["stage"]}: the winner is {outcome["winner"]}, {self.ledger.winner_path}'
                )
