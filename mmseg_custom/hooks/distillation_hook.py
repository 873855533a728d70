"""Lets one network learn from folds, each image from weights that have never seen it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor, nn

from mmseg_custom.engine.network import build_network, give_weights
from mmseg_custom.errors import UserError
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, load_weights
from mmseg_custom.io.files import PathLike, read_json, write_json
from mmseg_custom.models.decode_heads import last_head, takes_one_map
from mmseg_custom.models.losses.distillation_loss import distillation_loss
from mmseg_custom.models.one_output import class_logits, threshold_of


class DistillationError(UserError, ValueError):
    """Teachers that cannot teach a network; the message says why."""


@dataclass(frozen=True)
class Teachers:
    """The networks that a network learns from, all of its own architecture.

    Attributes:
        weights: Their files.
        digests: The checksum of the weights in each.
        images: The position, from 0, of the teacher of each image by its path as the data set has it. An image that
            is not named is taught by the mean of all.
    """

    weights: list[str]
    digests: list[str]
    images: dict[str, int]

    def write(self, path: PathLike) -> None:
        """Write them as JSON."""
        write_json(asdict(self), path)

    @classmethod
    def read(cls, path: PathLike) -> 'Teachers':
        """Read what :meth:`write` wrote.

        Raises:
            DistillationError: If the file holds something else.
        """
        if not Path(path).is_file():
            raise DistillationError(f'{path}, which names the teachers, is not there (seen from {Path.cwd()}).')
        try:
            return cls(**read_json(path))
        except TypeError as error:
            raise DistillationError(f'{path} names no teachers: {error}.') from error


@HOOKS.register_module()
class DistillationHook(Hook):
    """Adds to the losses of the last decode head how far its probabilities are from those of a teacher.

    Each image of a batch goes through its own teacher, under the same augmentation, without a gradient; the two are
    compared at the size of the logits, where the label is not void. Files of the network are as without the hook.
    Cross-fitted, as in Dao et al., arXiv 2104.09732: a fold that has not seen an image cannot repeat its label.

    Args:
        teachers: File of :class:`Teachers`.
        weight: Of the loss. Defaults to 1.
        temperature: As :func:`~mmseg_custom.models.losses.distillation_loss.distillation_loss`. Defaults to 1.
        digests: What the file has as checksums; a config that names them trains anew when the teachers change.
            Defaults to ``None``: whatever the file has.
    """

    def __init__(
        self, teachers: PathLike, weight: float = 1.0, temperature: float = 1.0, digests: Sequence[str] | None = None
    ) -> None:
        self.file, self.weight, self.temperature = teachers, weight, temperature
        self.digests = None if digests is None else list(digests)
        self._networks: list[nn.Module] = []
        self._images: dict[str, int] = {}
        self._target: Tensor | None = None

    def before_train(self, runner: Runner) -> None:
        """Load the teachers, and let the network's losses have one more.

        Raises:
            DistillationError: If the network's head has no single map of logits, or the teachers have changed.
            CheckpointError: If a teacher is of another architecture.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        check_head(type(last_head(model)))
        teachers = Teachers.read(self.file)
        if self.digests not in (None, teachers.digests):
            raise DistillationError(f'{self.file} names other weights than the config: make both anew.')
        self._images = teachers.images
        device = next(model.parameters()).device
        self._networks = [
            load_teacher(runner.cfg.model, file, digest).to(device)
            for file, digest in zip(teachers.weights, teachers.digests, strict=True)
        ]
        model.loss = self._with_target(model.loss)
        head = last_head(model)
        head.loss_by_feat = self._with_distillation(head.loss_by_feat, head, threshold_of(model))

    def after_train(self, runner: Runner) -> None:
        """Leave the network as it was."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        del model.loss, last_head(model).loss_by_feat
        self._networks, self._target = [], None

    def _with_target(self, loss: Callable) -> Callable:
        def loss_with_target(inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
            self._target = self.probabilities(inputs, data_samples)
            return loss(inputs, data_samples)

        return loss_with_target

    def _with_distillation(self, loss_by_feat: Callable, head: nn.Module, threshold: float | None) -> Callable:
        def loss_with_distillation(seg_logits: Tensor, batch_data_samples: Sequence[Any]) -> dict[str, Tensor]:
            losses = loss_by_feat(seg_logits, batch_data_samples)
            label = torch.stack([sample.gt_sem_seg.data for sample in batch_data_samples])
            small = nn.functional.interpolate(label.float(), seg_logits.shape[2:], mode='nearest').squeeze(1)
            loss = distillation_loss(
                class_logits(seg_logits, threshold), self._target, small != head.ignore_index, self.temperature
            )
            return {**losses, 'loss_distillation': self.weight * loss}

        return loss_with_distillation

    @torch.no_grad()
    def probabilities(self, inputs: Tensor, data_samples: Sequence[Any]) -> Tensor:
        """What the teachers say of a batch, (N, C, h, w).

        Args:
            inputs: As the network takes them, (N, 3, H, W).
            data_samples: N samples with ``img_path``.
        """
        taught_by = [self._images.get(sample.img_path) for sample in data_samples]
        found: dict[int, Tensor] = {}
        for number in sorted(set(taught_by), key=str):
            rows = [row for row, one in enumerate(taught_by) if one == number]
            networks = self._networks if number is None else [self._networks[number]]
            mean = torch.stack([self._softmax(network, inputs[rows]) for network in networks]).mean(dim=0)
            found.update(zip(rows, mean, strict=True))
        return torch.stack([found[row] for row in range(len(taught_by))])

    def _softmax(self, network: nn.Module, inputs: Tensor) -> Tensor:
        logits = class_logits(logits_of(network, inputs), threshold_of(network))
        return (logits.float() / self.temperature).softmax(dim=1)


def logits_of(model: nn.Module, inputs: Tensor) -> Tensor:
    """The logits of the last decode head, (N, C, h, w), at their own size."""
    features = model.extract_feat(inputs)
    heads = model.decode_head if isinstance(model.decode_head, nn.ModuleList) else [model.decode_head]
    logits = heads[0](features)
    for head in heads[1:]:
        logits = head(features, logits)
    return logits


def load_teacher(model: Any, file: str, digest: str) -> nn.Module:
    """A network of a config's ``model`` that only predicts.

    Raises:
        DistillationError: If the file is gone or holds other weights than it did.
        CheckpointError: If they are of another architecture.
    """
    if not Path(file).is_file():
        raise DistillationError(f'The teacher {file} is not there (seen from {Path.cwd()}).')
    network, weights = build_network(model), load_weights(file)
    if hash_weights(weights) != digest:
        raise DistillationError(f'The teacher {file} has changed since it was named: name it anew.')
    give_weights(network, weights, file)
    return network.eval().requires_grad_(False)


def check_head(head: type) -> None:
    """See that a head's loss is one of one map of logits.

    Raises:
        DistillationError: If it is not.
    """
    if not takes_one_map(head):
        raise DistillationError(
            f'{head.__name__} computes its losses in its own way, not from one map of logits: distillation needs a '
            'head that leaves that to BaseDecodeHead, as most of MMSegmentation do (--refit works with any).'
        )
