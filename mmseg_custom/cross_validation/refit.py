"""One model trained on everything, behind the folds: what is put to use once they have said what to expect of it.

By its labels alone, or also by what the folds say of the images that they have not seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mmengine.config import Config

from mmseg_custom.cross_validation.config_file import write_config
from mmseg_custom.cross_validation.fold_config import HOLDOUT, VAL, FoldOptions, make_stage
from mmseg_custom.cross_validation.run import PLAN, said_beside
from mmseg_custom.fold_settings import NUM_FOLDS
from mmseg_custom.launchers.pool import Pool
from mmseg_custom.ledger.run_folder import REFIT
from mmseg_custom.ledger.stage_ledger import StageLedger, name_of_run
from mmseg_custom.messages import Report
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.recipe import Recipe
from mmseg_custom.reports.findings.out_of_fold import OutOfFold
from mmseg_custom.reports.live_table import live_table


@dataclass(frozen=True)
class Refit:
    """A model that is trained on everything.

    Attributes:
        name: What its folder is called, and the option that asks for it.
        hooks: That its config has besides.
    """

    name: str = REFIT
    hooks: list[dict[str, Any]] = field(default_factory=list)


def make_refit(user: Config, options: FoldOptions, found: OutOfFold, refit: Refit) -> dict[str, Any]:
    """The config of the model that is trained on what all folds of the last stage were trained on.

    It is trained as long as the folds were by the median of their kept weights, and keeps its last weights. It is
    validated on images that nothing was trained on; where there are none, on a part of its own images, because a run
    has to be validated, and that score is shown nowhere.

    Args:
        user: As :func:`make_stage`.
        options: As there.
        found: What the folds of the last stage came to.
        refit: Which model.

    Raises:
        ConfigError: As there.
    """
    cfg = make_stage(user, options, options.stages)
    cfg.pop(NUM_FOLDS)
    for loader in (
        'train_dataloader',
        'val_dataloader',
    ):
        # Nothing is chosen any more: it trains on the inner part, too.
        cfg[loader]['dataset'].pop('inner', None)
    length = median_length(found)
    by_iter = bool(cfg['train_cfg'].get('max_iters'))
    interval = cfg['train_cfg'].get('val_interval')
    cfg['train_cfg'] = {**cfg['train_cfg'], 'max_iters' if by_iter else 'max_epochs': length}
    hooks = cfg['default_hooks']
    if by_iter:  # Nothing is chosen on the way; resume points come as often as the folds have them.
        kept = {
            key: value for key, value in cfg['train_cfg'].items() if key not in ('val_begin', 'dynamic_intervals')
        }
        cfg['train_cfg'] = {**kept, 'val_interval': length}
        hooks['checkpoint']['interval_iters'] = hooks['checkpoint']['interval_iters'] or interval
    hooks['history']['select'] = 'last'
    hooks['fold_average'] |= {'stage_dir': str(options.folder / refit.name), 'out_of_fold': False}
    cfg['val_dataloader'] = _validation(cfg, options.scored_on)
    cfg['work_dir'] = str(options.folder / 'runs' / refit.name)
    if refit.hooks:
        cfg['custom_hooks'] = [*(cfg.get('custom_hooks') or []), *refit.hooks]
    return cfg


def median_length(found: OutOfFold) -> int:
    """How long the folds were trained up to their kept weights, in epochs or iterations: the median, rounded."""
    return round(float(np.median([fold.position for fold in found.folds])))


def _validation(cfg: Mapping[str, Any], scored_on: str | None) -> dict[str, Any]:
    if scored_on == VAL:
        official: dict[str, Any] = cfg['test_dataloader']
        return official
    loader = cfg['val_dataloader']
    dataset = {**loader['dataset'], **({'part': HOLDOUT} if scored_on else {'part': VAL, 'fold': 1})}
    return {**loader, 'dataset': dataset}


def train_refit(
    user: Config,
    options: FoldOptions,
    found: OutOfFold,
    refit: Refit,
    pool: Pool,
    report: Report,
    force: bool = False,
) -> None:
    """Train the model, or go on, or see that it is finished.

    Args:
        user: As :func:`make_stage`.
        options: As there.
        found: What the folds of the last stage came to.
        refit: Which model.
        pool: Where it is trained.
        report: Takes lines for the user.
        force: Archive one whose config or data changed, and train it anew. Defaults to ``False``.

    Raises:
        StageError: As :meth:`Recipe.run`.
    """
    folder = options.folder / PLAN / refit.name
    head = f'Of a model trained on everything; made by mmseg-kfold run --{refit.name}, and made anew at each run.'
    content = {**make_refit(user, options, found, refit), **said_beside(user, options)}
    write_config(content, folder / f'{refit.name}_stage1.py', head)  # A plan of its own, of one stage.
    recipe = Recipe(Plan(folder), pool, report)
    with live_table(recipe), pool.stopped_by_signals(recipe.report):
        recipe.run(force=force)


def describe_refit(options: FoldOptions, found: OutOfFold, refit: Refit) -> str:
    """What became of it, in a sentence.

    Args:
        options: Of the whole run.
        found: What its folds came to.
        refit: Which model.
    """
    ledger = StageLedger(options.folder / refit.name)
    trained = (
        f'{refit.name}: one model on all {found.images} images of the folds, {median_length(found)} {found.unit}s'
    )
    outcome = ledger.outcome()
    place = ledger.weights_path(name_of_run(None))
    if outcome is None:
        return (
            f'{trained}. No image is left that it was not trained on, so it has no score of its own; expect that of '
            f'the folds, {found.pooled["mIoU"]:.2f}{found.mark()} mIoU out of fold. Weights: {place}'
        )
    score = outcome['candidates'][outcome['winner']]['val']['mIoU']
    where = 'the val split of the config' if options.scored_on == VAL else 'the holdout'
    return f'{trained}: {score:.2f} mIoU on {where}. Weights: {place}'
