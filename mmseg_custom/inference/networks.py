"""What scores the pixels of a batch: one network, or several whose probabilities are averaged."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Protocol

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_custom.engine.checkpoint_io import load_checkpoint_file, weights_of
from mmseg_custom.engine.files import PathLike
from mmseg_custom.errors import UserError
from mmseg_custom.inference.labels import labels_of_config
from mmseg_custom.inference.preparation import Sample
from mmseg_custom.stages.classes import check_class_names
from mmseg_custom.stages.launch import ConfigError
from mmseg_custom.stages.stage_runner import check_architecture


class DeviceError(UserError, ValueError):
    """A device that is not there."""


class Network(Protocol):
    """Scores samples.

    Attributes:
        kind: What the scores are: ``'logits'``, ``'probabilities'``, or ``'ids'`` for classes without scores.
    """

    kind: str

    def __call__(self, samples: Sequence[Sample]) -> Tensor:
        """Scores (N, C, h, w), or ids (N, h, w), of samples whose inputs have one size (h, w)."""


class TorchNetwork:
    """The segmentor of a config, in evaluation mode.

    Args:
        model: A host's segmentor.
        device: Where it runs.
    """

    kind = 'logits'

    def __init__(self, model: nn.Module, device: str = 'cpu') -> None:
        self.model = model.eval().to(device)

    @torch.inference_mode()
    def __call__(self, samples: Sequence[Sample]) -> Tensor:
        """Logits (N, C, h, w)."""
        data = {key: [sample[key] for sample in samples] for key in ('inputs', 'data_samples')}
        return torch.stack([result.seg_logits.data for result in self.model.test_step(data)])


class Ensemble:
    """Networks whose softmax probabilities are averaged.

    Args:
        members: At least one network of logits.
    """

    kind = 'probabilities'

    def __init__(self, members: Sequence[TorchNetwork]) -> None:
        self.members = tuple(members)

    def __call__(self, samples: Sequence[Sample]) -> Tensor:
        """Probabilities (N, C, h, w)."""
        total = self.members[0](samples).softmax(1)
        for member in self.members[1:]:
            total += member(samples).softmax(1)
        return total / len(self.members)


def build_segmentor(cfg: Config, checkpoint: PathLike) -> nn.Module:
    """The segmentor of a config with the weights of a checkpoint, loaded safely and strictly.

    Raises:
        CheckpointError: If the file cannot be used or is of another architecture.
        StageError: If it was trained for other classes.
        ConfigError: If the network has one output for two classes.
    """
    model = MODELS.build(cfg.model)
    content = load_checkpoint_file(checkpoint)
    weights = weights_of(content, checkpoint)
    check_architecture(model, weights, str(checkpoint))
    names = SimpleNamespace(metainfo={'classes': labels_of_config(cfg).classes})
    check_class_names(content.get('meta') or {}, names, str(checkpoint))
    if model.decode_head.out_channels == 1:
        raise ConfigError(f'{cfg.filename}: out_channels=1 is not supported here; give each class its own output.')
    model.load_state_dict(weights)
    return model.eval()


def choose_device(name: str = 'auto') -> str:
    """The device of a name; ``'auto'`` is the host's choice.

    Raises:
        DeviceError: If it is unknown or not there.
    """
    if name == 'auto':
        return get_device()
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(f'--device {name}: {str(error).splitlines()[0]} Leave it out to have it chosen.') from error
    return name
