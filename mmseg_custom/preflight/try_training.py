"""Trying a training before it begins: all that can be known before the first step fails before it."""

import time
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmseg_custom.averaging.average import average_state_dicts
from mmseg_custom.engine.resume_points import resume_points
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.fusion.rules import FusionRules
from mmseg_custom.fusion.weight_scorer import HELD_OUT, ScoringOrder, WeightScorer
from mmseg_custom.io.checkpoints.checkpoint_file import load_checkpoint_file, load_weights
from mmseg_custom.io.memory import free_memory
from mmseg_custom.io.processes import peak_memory
from mmseg_custom.preflight.few_of_fold import FewOfFold, few_of_any
from mmseg_custom.preflight.trackers import check_trackers
from mmseg_custom.preflight.trial_error import TrialError, explained
from mmseg_custom.preflight.trial_hook import STEPPING, STEPS, WARM_UP, TrialHook, TrialOver

SCORED = ('val_dataloader', 'test_dataloader')
IMAGES_A_FOLD = 2


@dataclass(frozen=True)
class Measured:
    """What a trial has measured.

    Attributes:
        train_seconds: An image in training, loading and computing, behind the warm-up.
        val_seconds: A validated image.
        steps: Number of training steps that were measured.
        batch_size: Images in a step.
        size: Height and width of the network's input in training.
        repeats: How often an epoch shows an image.
        memory: The most memory the process has held, in bytes, of its GPU if it has one.
        room: What there is of it on the device, in bytes; 0 where that is not known.
        gpu: The name of the GPU; empty on the CPU.
        threads: Of PyTorch.
        seconds: Of the whole trial.
    """

    train_seconds: float
    val_seconds: float
    steps: int
    batch_size: int
    size: tuple[int, int]
    repeats: float
    memory: int
    room: int
    gpu: str
    threads: int
    seconds: float


def try_training(cfg: Config, folder: Path) -> Measured:
    """Train a few steps on a few images of each fold, validate, save, score and fuse, all of it as a run does it.

    Args:
        cfg: Of a run of a stage, one with a fold; left as it is.
        folder: Takes all that is written; nothing is written elsewhere.

    Raises:
        UserError: What will not work, and how to mend it.
    """
    began, hook, room = time.monotonic(), TrialHook(), free_memory()
    short = shortened(cfg, folder)
    check_trackers((cfg.get('visualizer') or {}).get('vis_backends') or [])
    with explained('The model, optimizer or metric of this config cannot be built', short.model):
        runner = build_runner(short)
    with explained('The data or the training loop of this config cannot be built'):
        _look(runner)
    runner.register_hook(hook)
    try:
        with explained(lambda: _WHAT[hook.at].format(hook.size_text), short.model):
            _train(runner, hook)
        with explained('The weights that were just saved cannot be loaded or averaged'):
            _fuse(runner, short)
    finally:
        with suppress(Exception):  # Gives back the lease; whatever is wrong was said.
            runner.call_hook('after_run')
    return _measured(runner, hook, cfg, room or 0, time.monotonic() - began)


_WHAT = {
    'starting': 'Training cannot start',
    'stepping': 'A training step with images{} fails',
    'validating': 'Validation of held-out images{} fails',
    'ending': 'Saving or scoring the weights of a run fails',
}


def shortened(cfg: Config, folder: Path) -> Config:
    """A config of the same training, on few images, which writes into ``folder`` alone."""
    short = Config(deepcopy(cfg.to_dict()), cfg_text=cfg.text, filename=cfg.filename)
    batch = short.train_dataloader.get('batch_size') or 1
    folds = short.get('num_folds') or 1
    images = max((WARM_UP + STEPS + 1) * batch, IMAGES_A_FOLD * (folds - 1))
    for name, count in [('train_dataloader', images), *((name, None) for name in SCORED)]:
        loader = short.get(name)
        if loader:
            _shorten(loader, count or max(IMAGES_A_FOLD, 2 * (loader.get('batch_size') or 1)))
    hooks = short.default_hooks
    hooks.pop('preemption', None)  # A trial is not resumed.
    hooks.fold_average.stage_dir = str(folder / 'stage')
    short.work_dir, short.resume = str(folder / 'run'), False
    if short.get('load_from') and '://' not in short.load_from and not Path(short.load_from).is_file():
        short.load_from = None  # The stage before makes it.
    if short.get('visualizer'):
        short.visualizer.vis_backends = [{'type': 'LocalVisBackend'}]  # A trial is no experiment to track.
    return short


def _shorten(loader: dict, images: int) -> None:
    dataset = loader['dataset']
    loader.update(num_workers=0, persistent_workers=False)
    loader.pop('prefetch_factor', None)
    is_fold = str(dataset.get('type')).rpartition('.')[2] == 'FoldDataset'
    given = {**dataset, 'type': FewOfFold} if is_fold else {'type': few_of_any, 'dataset': dataset}
    loader['dataset'] = {**given, 'images': images}


def _train(runner: Runner, hook: TrialHook) -> None:
    with suppress(TrialOver):
        try:
            runner.train()
        except TrialOver:
            hook.at = 'ending'
            runner.call_hook('after_train')


def _fuse(runner: Runner, cfg: Config) -> None:
    """Load what was saved and, where the stage is going to be fused, score an average of it."""
    for point in resume_points(cfg.work_dir, len(runner.train_dataloader)):
        load_checkpoint_file(point)
    settings = cfg.default_hooks.fold_average
    weights = load_weights(next(Path(settings.stage_dir).glob('*.pth')))
    candidates = FusionRules.of(settings).candidates
    if not candidates:
        return
    anew = any(isinstance(one, dict) and one.get('bn', 'average') != 'average' for one in candidates)
    average = {'average': average_state_dicts([weights, weights])}
    order = ScoringOrder(average, recalibrated=list(average) if anew else [], parts=(HELD_OUT,))
    WeightScorer(cfg, bn_images=IMAGES_A_FOLD).together(order)


def _look(runner: Runner) -> None:
    """See that there is a batch, and load some images of each fold.

    Raises:
        TrialError: If not, naming the image.
    """
    loader = runner.train_dataloader
    dataset = loader.dataset
    if not len(loader):
        raise TrialError(
            f'train_dataloader has no batch: batch_size={loader.batch_size} with drop_last=True, and {len(dataset)} '
            'images to train on. Use a smaller batch_size, or drop_last=False.'
        )
    names = getattr(dataset, 'names', [])
    for index in range(min(len(names), len(dataset), IMAGES_A_FOLD * (runner.cfg.get('num_folds') or 1))):
        with explained(f'The image {names[index]} or its label cannot be loaded by train_pipeline'):
            dataset[index]


def _measured(runner: Runner, hook: TrialHook, cfg: Config, room: int, seconds: float) -> Measured:
    dataset = runner.train_dataloader.dataset
    steps = hook.steps[WARM_UP:] or hook.steps
    validated = hook.validations[1:] or hook.validations
    images_of_val = runner.val_dataloader.batch_size or 1
    return Measured(
        _seconds(steps, cfg.train_dataloader) / hook.images[0],
        _seconds(validated, cfg.val_dataloader) / images_of_val,
        len(steps),
        hook.images[0],
        hook.sizes[STEPPING],
        len(dataset) / len(getattr(dataset, 'names', dataset)),
        peak_memory(),
        room,
        torch.cuda.get_device_name() if torch.cuda.is_available() else '',
        torch.get_num_threads(),
        seconds,
    )


def _seconds(steps: list[tuple[float, float]], loader: Mapping[str, Any]) -> float:
    """The mean of a step: the loader's processes load meanwhile; without any it waits for its batch."""
    loading, computing = (sum(part) / len(steps) for part in zip(*steps, strict=True))
    workers = loader.get('num_workers') or 0
    return max(computing, loading / workers) if workers else loading + computing
