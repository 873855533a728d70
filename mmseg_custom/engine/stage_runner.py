"""MMEngine's runner, as a stage needs it."""

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.evaluator import Evaluator
from mmengine.model import is_model_wrapper, revert_sync_batchnorm
from mmengine.optim import AmpOptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from mmengine.runner import BaseLoop, Runner
from mmseg.registry import RUNNERS
from torch import nn
from torch.utils.data import DataLoader

from mmseg_custom.datasets.checks.loader_errors import lost_workers_explained
from mmseg_custom.datasets.class_weight_files import with_class_weights
from mmseg_custom.datasets.seeded_dataset import with_seeds
from mmseg_custom.engine.compilation import compile_works
from mmseg_custom.engine.criterion import attach_criterion
from mmseg_custom.engine.distributed.main_process import on_main_process
from mmseg_custom.engine.distributed.process_group import start_process_group
from mmseg_custom.engine.iter_train_loop import resumable
from mmseg_custom.engine.resume_points import newest_good_point
from mmseg_custom.engine.stop_signals import handlers_kept
from mmseg_custom.fold_settings import NUM_FOLDS, set_num_folds
from mmseg_custom.io.checkpoints.architecture import check_architecture
from mmseg_custom.io.checkpoints.checkpoint_file import load_checkpoint_file, weights_of
from mmseg_custom.io.checkpoints.weight_names import find_weights
from mmseg_custom.io.full_disk import full_disk_explained
from mmseg_custom.models.heads.head_checks import check_heads
from mmseg_custom.models.norm import synchronize_batch_norm


@RUNNERS.register_module()
class StageRunner(Runner):
    """Runs one fold (or one stage without folds) from its config, on the CPU as well as on GPUs.

    What differs from MMEngine's runner: ``resume`` goes on from the run's own newest good checkpoint, whatever
    ``load_from`` is; checkpoints are loaded strictly and without running anything in them; ``batch_size`` of
    training counts the images a step over all processes; metrics report the stage's own loss; mixed precision and
    distributed training work on the CPU; ``env_cfg.num_threads`` fixes PyTorch's threads, so that a run's numbers
    do not depend on how many run beside it. Arguments as MMEngine's ``Runner``.
    """

    _starts: ClassVar[Counter[str]] = Counter()
    _train_dataloader: DataLoader | dict
    _has_loaded: bool
    _resume: bool

    @classmethod
    def from_cfg(cls, cfg: Config | dict) -> 'StageRunner':
        """Build a runner from a config, whose text stays as it is.

        MMEngine takes the text at every start and into every checkpoint, and has yapf format it each time, which is
        seconds: more than a short epoch. A ``ConfigDict`` or plain dict has no text. ``num_folds`` becomes that of
        the data sets, as in :func:`~mmseg_custom.config.load_run_config`: stock tools come here without it.
        """
        if not isinstance(cfg, Config):
            cfg = Config(dict(cfg))
        text = dict(cfg_text=cfg.text, filename=cfg.filename, format_python_code=False)
        cfg = Config(cfg.to_dict(), **text)
        set_num_folds(cfg, cfg.get(NUM_FOLDS))
        return super().from_cfg(cfg)

    def setup_env(self, env_cfg: dict) -> None:
        """Set up the environment: gloo where there is no GPU, the number of threads, and a timestamp of its own.

        MMEngine names log, message hub and visualizer by the second a run starts in, and hands what is already there
        to the next run of the same name: the second run of one second would go on with the first one's history.
        """
        if self.distributed and not torch.distributed.is_initialized():
            env_cfg = start_process_group(env_cfg)
        super().setup_env(env_cfg)
        if env_cfg.get('num_threads'):
            torch.set_num_threads(env_cfg['num_threads'])
        self._starts[self._timestamp] += 1
        if self._starts[self._timestamp] > 1:
            self._timestamp += f'_{self._starts[self._timestamp]}'

    def set_randomness(self, seed: int | None, diff_rank_seed: bool = False, deterministic: bool = False) -> None:
        """Seed all generators as MMEngine does; ``deterministic`` also asks cuBLAS for results that repeat."""
        if deterministic:
            os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
        super().set_randomness(seed, diff_rank_seed, deterministic)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wrap the model for distributed training, batch norm over all processes included if ``sync_bn`` is set.

        On the CPU the wrapper gets no device ids, and :class:`~mmseg_custom.models.norm.AllReduceBatchNorm` takes the
        place of PyTorch's ``SyncBatchNorm``.
        """
        if not self.distributed or get_device() != 'cpu' or is_model_wrapper(model):
            return super().wrap_model(model_wrapper_cfg, model)
        wrapper = {'type': 'MMDistributedDataParallel', 'broadcast_buffers': False, 'device_ids': None}
        sync_bn = self.cfg.get('sync_bn')
        if sync_bn:
            synchronize_batch_norm(model)
        self.cfg.sync_bn = None
        model = super().wrap_model({**wrapper, **(model_wrapper_cfg or {})}, model)
        self.cfg.sync_bn = sync_bn
        return model

    def build_model(self, model: nn.Module | dict) -> nn.Module:
        """Build the model, in PyTorch's channels-last format if ``channels_last`` is set, as ``--amp`` does.

        Class weights that the config names a file of are read here.

        Raises:
            HeadError: If its heads do not fit the classes.
        """
        model = super().build_model(with_class_weights(model))
        check_heads(model)
        if not self.distributed:
            model = revert_sync_batchnorm(model)  # There is nothing to synchronise, and on a CPU it fails.
        return model.to(memory_format=torch.channels_last) if self.cfg.get('channels_last') else model

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Share the batch among the processes, then build the loop: MMEngine's two become resumable ones.

        Raises:
            ValueError: If the batch cannot be shared evenly.
            LoopError: If the loop has a type and ``by_epoch``.
        """
        loader = self._train_dataloader
        if isinstance(loader, dict) and 'batch_size' in loader and self.world_size > 1:
            if loader['batch_size'] % self.world_size:
                raise ValueError(
                    f'train_dataloader.batch_size={loader["batch_size"]} is the number of images a step over all '
                    f'{self.world_size} processes and cannot be shared evenly: use a multiple of {self.world_size}.'
                )
            self._train_dataloader = {**loader, 'batch_size': loader['batch_size'] // self.world_size}
        return super().build_train_loop(resumable(loop) if isinstance(loop, dict) else loop)

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict, seed: int | None = None, diff_rank_seed: bool = False
    ) -> DataLoader:
        """Build a data loader as MMEngine does; where the sampler gives keys, samples are functions of them."""
        return Runner.build_dataloader(with_seeds(dataloader), seed, diff_rank_seed)

    def build_evaluator(self, evaluator: dict | list | Evaluator) -> Evaluator:
        """Build an evaluator whose metrics know the stage's own loss."""
        evaluator = super().build_evaluator(evaluator)
        attach_criterion(evaluator, self.model)
        return evaluator

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        """Build the optimizer; mixed precision without a GPU takes :class:`AutocastOptimWrapper`."""
        if isinstance(optim_wrapper, dict) and _is_amp(optim_wrapper) and get_device() == 'cpu':
            if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
                self.logger.warning('This processor has no bfloat16 instructions: --amp is slower here than without.')
            kept = {key: value for key, value in optim_wrapper.items() if key not in ('loss_scale', 'dtype')}
            optim_wrapper = {**kept, 'type': 'mmseg.AutocastOptimWrapper'}
        return super().build_optim_wrapper(optim_wrapper)

    def train(self) -> nn.Module:
        """Train as MMEngine does; the handlers of signals are afterwards as before.

        Raises:
            Preempted: If the run was asked to stop and its state is saved.
            LoaderError: If a worker of a data loader died.
            WriteError: If the disk is full.
        """
        with handlers_kept(), lost_workers_explained(), full_disk_explained(self.work_dir):
            return super().train()

    @lost_workers_explained()
    def val(self) -> dict[str, float]:
        """Validate as MMEngine does; a lost worker of the data loader is explained, as in :meth:`train`."""
        return super().val()

    @lost_workers_explained()
    def test(self) -> dict[str, float]:
        """Test as MMEngine does; a lost worker of the data loader is explained, as in :meth:`train`."""
        return super().test()

    def load_or_resume(self) -> None:
        """Resume from the run's own newest good checkpoint if asked to and there is one; else start.

        Raises:
            ResumeError: If there are some, and none can be used.
        """
        if self._has_loaded:
            return
        point = on_main_process(self._newest_point) if self._resume else None
        # From here on it says what the run does, not what it was asked for: hooks go by it, also MMEngine's EMAHook.
        self._resume = point is not None
        if point:
            self.resume(point)
        elif self._load_from:
            self.load_checkpoint(str(self._load_from))
        self._has_loaded = True

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = 'cpu',
        strict: bool = True,
        revise_keys: Sequence[tuple[str, str]] = (),
    ) -> dict:
        """Load a local checkpoint into the model, safely, and strictly unless told otherwise.

        Arguments as MMSegmentation's; prefixes of wrappers, ``module.`` among them, need no ``revise_keys``
        (:func:`~mmseg_custom.io.checkpoints.checkpoint_file.weights_of`).

        Raises:
            CheckpointError: If the file cannot be used or is of another architecture than the model.
        """
        checkpoint = load_checkpoint_file(filename, map_location)
        found = find_weights(checkpoint, filename)
        model = self.model.module if is_model_wrapper(self.model) else self.model
        for pattern, replacement in revise_keys:
            found = {re.sub(pattern, replacement, key): value for key, value in found.items()}
        weights = weights_of(found, filename, model.state_dict(), whole=strict)
        # Hooks read the weights, and MMEngine's EMAHook puts others in their place, under MMEngine's name.
        checkpoint = {'meta': {}, **({} if found is checkpoint else checkpoint), 'state_dict': weights}
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        if strict:
            check_architecture(model, weights, filename)
        model.load_state_dict(weights, strict=strict)
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        return checkpoint

    def _maybe_compile(self, target: str) -> None:
        if self.cfg.get('compile') and compile_works():
            super()._maybe_compile(target)

    def _newest_point(self) -> str | None:
        return newest_good_point(self.work_dir, len(self.train_dataloader))


def _is_amp(optim_wrapper: dict) -> bool:
    kind = optim_wrapper.get('type')
    return (OPTIM_WRAPPERS.get(kind) if isinstance(kind, str) else kind) is AmpOptimWrapper


def build_runner(cfg: Config) -> StageRunner:
    """Build the runner that a config names; its default is :class:`StageRunner`."""
    cfg.setdefault('runner_type', 'StageRunner')
    with full_disk_explained(cfg.work_dir):
        return RUNNERS.build(cfg)
