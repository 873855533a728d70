"""What scores the pixels of a batch: one network, or several whose probabilities are averaged."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Protocol

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.device import get_device
from mmseg.models import EncoderDecoder
from torch import Tensor, nn

from mmseg_custom.engine.compilation import compile_or_keep
from mmseg_custom.engine.network import build_network, give_weights
from mmseg_custom.errors import UserError
from mmseg_custom.evaluation.uncertainty import Disagreement
from mmseg_custom.fusion.classes import check_class_names
from mmseg_custom.inference.labels import labels_of_config
from mmseg_custom.inference.preparation import Sample
from mmseg_custom.io.checkpoints.checkpoint_file import load_checkpoint_file, weights_of
from mmseg_custom.io.files import PathLike
from mmseg_custom.models.heads.head_checks import check_heads
from mmseg_custom.models.one_output import EVEN, class_logits, threshold_of
from mmseg_custom.models.upsampled_classes import upsampled_classes


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

    def classes(self, samples: Sequence[Sample]) -> Tensor:
        """Ids (N, h, w), uint8, of the classes with the highest scores."""


class TorchNetwork:
    """The segmentor of a config, in evaluation mode; one with one output gives the logits of its two classes.

    Args:
        model: A segmentor of MMSegmentation.
        device: Where it runs.
        amp: Compute in bfloat16 where PyTorch finds that safe. Defaults to ``False``.
        compiled: Compile what is run once for every size of image. Defaults to ``False``.
    """

    kind = 'logits'

    def __init__(self, model: nn.Module, device: str = 'cpu', amp: bool = False, compiled: bool = False) -> None:
        self.model = model.eval().to(device, memory_format=torch.channels_last)
        self.threshold = threshold_of(model)
        self.device_type, self.amp = torch.device(device).type, amp
        self._forward = compile_or_keep(self._run) if compiled else self._run

    @torch.inference_mode()
    def __call__(self, samples: Sequence[Sample]) -> Tensor:
        """Logits (N, C, h, w)."""
        return class_logits(self._outputs(samples), self.threshold)

    @torch.inference_mode()
    def probabilities(self, samples: Sequence[Sample]) -> Tensor:
        """Probabilities (N, C, h, w)."""
        return class_logits(self._outputs(samples), None if self.threshold is None else EVEN).softmax(1)

    def _outputs(self, samples: Sequence[Sample]) -> Tensor:
        """Logits as the head has them, one of an object or one a class, at the size of the input."""
        data = _collated(samples)
        if not takes_whole_images(self.model):
            with self._precision():
                scores = torch.stack([result.seg_logits.data.float() for result in self.model.test_step(data)])
            return scores if self.threshold is None else scores.logit()
        logits, size = self._small_logits(data)
        return F.interpolate(logits, size, mode='bilinear', align_corners=self.model.align_corners)

    @torch.inference_mode()
    def classes(self, samples: Sequence[Sample]) -> Tensor:
        """Ids (N, h, w), uint8; there are no logits of this size on the way if the network takes whole images."""
        if not takes_whole_images(self.model):
            return self(samples).max(1).indices.byte()
        logits, size = self._small_logits(_collated(samples))
        return upsampled_classes(class_logits(logits, self.threshold), size, self.model.align_corners)

    def _small_logits(self, data: dict) -> tuple[Tensor, tuple[int, int]]:
        """Logits as the head gives them, and the size of the input."""
        inputs = self.model.data_preprocessor(data, False)['inputs']
        with self._precision():
            return self._forward(inputs).float(), tuple(inputs.shape[2:])

    def _run(self, inputs: Tensor) -> Tensor:
        return self.model(inputs, mode='tensor')

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device_type, torch.bfloat16, self.amp)


class Ensemble:
    """Networks whose probabilities are averaged; of one output the threshold is that of the first.

    Args:
        members: At least one network of logits.
    """

    kind = 'probabilities'

    def __init__(self, members: Sequence[TorchNetwork]) -> None:
        self.members = tuple(members)

    @torch.inference_mode()
    def __call__(self, samples: Sequence[Sample]) -> Tensor:
        """Probabilities (N, C, h, w), scaled so that the largest is the class that a threshold gives."""
        total = self.members[0].probabilities(samples)
        for member in self.members[1:]:
            total += member.probabilities(samples)
        return self._scores(total / len(self.members))

    @torch.inference_mode()
    def with_uncertainty(self, samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
        """Probabilities as above, and how far the members disagree, (N, h, w), 0 to 1."""
        together = Disagreement()
        for member in self.members:
            together.add(member.probabilities(samples))
        return self._scores(together.mean), together.mutual_information()

    def _scores(self, mean: Tensor) -> Tensor:
        threshold = self.members[0].threshold
        return mean if threshold is None else class_logits(mean[:, 1:].logit(), threshold).softmax(1)

    def classes(self, samples: Sequence[Sample]) -> Tensor:
        """Ids (N, h, w), uint8."""
        return self(samples).max(1).indices.byte()


def takes_whole_images(model: nn.Module) -> bool:
    """Whether a segmentor is MMSegmentation's plain one: no sliding window, no padding."""
    whole = model.test_cfg.get('mode', 'whole') == 'whole' and not model.data_preprocessor.test_cfg
    return type(model) is EncoderDecoder and whole


def _collated(samples: Sequence[Sample]) -> dict:
    return {key: [sample[key] for sample in samples] for key in ('inputs', 'data_samples')}


def build_segmentor(cfg: Config, checkpoint: PathLike) -> nn.Module:
    """The segmentor of a config with the weights of a checkpoint, loaded safely and strictly.

    Raises:
        CheckpointError: If the file cannot be used or is of another architecture.
        StageError: If it was trained for other classes.
        HeadError: If the heads of the network mean nothing.
    """
    model = build_network(cfg.model)
    check_heads(model)
    content = load_checkpoint_file(checkpoint)
    give_weights(model, weights_of(content, checkpoint, model.state_dict()), str(checkpoint))
    names = SimpleNamespace(metainfo={'classes': labels_of_config(cfg).classes})
    check_class_names(content.get('meta') or {}, names, str(checkpoint))
    return model.eval()


def choose_device(name: str = 'auto') -> str:
    """The device of a name; ``'auto'`` is MMEngine's choice.

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
