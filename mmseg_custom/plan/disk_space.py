"""The disk space that a stage needs, asked for before it starts."""

from collections import Counter
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmseg_custom.datasets.folds.fold_file import SPLIT_DEFAULTS
from mmseg_custom.engine.network import build_network
from mmseg_custom.errors import StageError
from mmseg_custom.fold_settings import NUM_FOLDS, fold_of, split_settings
from mmseg_custom.fusion.rules import FusionRules
from mmseg_custom.io.files import existing_folder, free_bytes, readable_size

# Adam keeps two numbers beside each parameter; no optimizer of the schedules keeps more.
OPTIMIZER_COPIES = 2
# Beside a run's best weights: the last ones, and their moving average.
SNAPSHOT_KINDS = 2


def run_bytes(weights: int, parameters: int, keep: int) -> int:
    """What a run needs while it trains: its best weights and resume points, one more of each while it is replaced.

    Args:
        weights: Bytes of a state dict.
        parameters: Bytes of what the optimizer trains.
        keep: Number of resume points.
    """
    return 2 * weights + (keep + 1) * point_bytes(weights, parameters)


def point_bytes(weights: int, parameters: int) -> int:
    """What a resume point needs; a finished run keeps its last one, to be trained longer. Arguments as above."""
    return weights + OPTIMIZER_COPIES * parameters


def check_space(configs: list[Config], jobs: int) -> None:
    """See that there is disk space for the rest of a stage.

    Args:
        configs: Of the runs to train.
        jobs: How many train side by side.

    Raises:
        StageError: If there is not, with what is needed and what is free.
    """
    for folder, needed in needed_space(configs, jobs).items():
        free = free_bytes(folder)
        if free < needed:
            raise StageError(
                f'{folder} has {readable_size(free)} free, but the {len(configs)} run(s) to train, {jobs} at a time, '
                f'need up to {readable_size(needed)} for best weights, resume points and averages. Free space, or '
                'use fewer --jobs or default_hooks.checkpoint.keep=1.'
            )


def needed_space(configs: list[Config], jobs: int) -> dict[Path, int]:
    """Bytes by one folder of each file system; files of an earlier start count as free, they will be replaced.

    Arguments as :func:`check_space`.
    """
    cfg = configs[0]
    weights, parameters = _model_bytes(cfg)
    training = run_bytes(weights, parameters, cfg.default_hooks.checkpoint.get('keep', 2))
    finished = weights + point_bytes(weights, parameters)
    needed: Counter[Path] = Counter()
    folders: dict[int, Path] = {}
    for place, size in [(_stage_folder(cfg), _files_beside_runs(cfg) * weights)] + [
        (Path(run.work_dir), (training if number < jobs else finished) - _size_of_checkpoints(Path(run.work_dir)))
        for number, run in enumerate(configs)
    ]:
        folder = existing_folder(place)
        device = folder.stat().st_dev
        needed[folders.setdefault(device, folder)] += size
    return dict(needed)


def _files_beside_runs(cfg: Config) -> int:
    """Averages and snapshots that a stage's folder gets; the best fold and the winner are hard links."""
    settings = cfg.default_hooks.fold_average
    folds = {**SPLIT_DEFAULTS, **split_settings(cfg)}[NUM_FOLDS] if fold_of(cfg) else 1
    snapshots = SNAPSHOT_KINDS * folds if settings.get('keep_last') else 0
    return snapshots + FusionRules.of(settings).count_averages(folds)


def _stage_folder(cfg: Config) -> Path:
    return Path(cfg.default_hooks.fold_average.stage_dir)


def _model_bytes(cfg: Config) -> tuple[int, int]:
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    model = build_network(cfg.model)
    return sum(value.nbytes for value in model.state_dict().values()), sum(p.nbytes for p in model.parameters())


def _size_of_checkpoints(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob('*.pth'))
