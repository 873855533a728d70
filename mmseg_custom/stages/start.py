"""What a run starts from."""

from pathlib import Path

from mmengine.config import Config

from mmseg_custom.stages.ledger import WINNER_FILE, member_name
from mmseg_custom.stages.rules import OWN_FOLD, FusionRules


def start_of(cfg: Config, load_from: str | None) -> str | None:
    """The checkpoint that a run starts from, ``None`` for scratch.

    With ``default_hooks.fold_average.init='own_fold'`` a fold that would start from the winner of the stage before
    starts from the same fold of that stage, which has never trained on this fold's validation part.

    Args:
        cfg: Of the run.
        load_from: What it would start from.

    Raises:
        StageError: If ``fold_average`` holds a value that is unknown.
    """
    settings = cfg.get('default_hooks', {}).get('fold_average')
    if not load_from or not settings or FusionRules.of(settings).init != OWN_FOLD:
        return load_from
    fold, path = cfg.train_dataloader.dataset.get('fold'), Path(load_from)
    return str(path.with_name(f'{member_name(fold)}.pth')) if fold and path.name == WINNER_FILE else load_from
