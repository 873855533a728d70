"""CE + Dice of MONAI and segmentation_models.pytorch, forward and backward."""

import importlib.util
import sys
import types
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from benchmarks.frame import Measure, timed
from benchmarks.inputs import IGNORED, logits_and_labels

ALPHA, SMOOTHING = 0.6, 0.1


def monai_loss(classes: int) -> Callable[[Tensor, Tensor], Tensor]:
    """``DiceCELoss``; it knows no label to ignore, so the ignored pixels are in its sums as pixels of class 0."""
    from monai.losses import DiceCELoss

    loss = DiceCELoss(
        softmax=True,
        to_onehot_y=True,
        batch=True,
        lambda_ce=ALPHA,
        lambda_dice=1 - ALPHA,
        smooth_nr=1.0,
        smooth_dr=1.0,
        label_smoothing=SMOOTHING,
    )
    return lambda logits, labels: loss(logits, labels.masked_fill(labels == IGNORED, 0).unsqueeze(1))


def smp_loss(classes: int) -> Callable[[Tensor, Tensor], Tensor]:
    """``SoftCrossEntropyLoss`` and ``DiceLoss``."""
    stand_in_for('segmentation_models_pytorch')
    from segmentation_models_pytorch.losses import DiceLoss, SoftCrossEntropyLoss

    cross_entropy = SoftCrossEntropyLoss(smooth_factor=SMOOTHING, ignore_index=IGNORED)
    dice = DiceLoss('multiclass', smooth=1.0, ignore_index=IGNORED)
    return lambda logits, labels: ALPHA * cross_entropy(logits, labels) + (1 - ALPHA) * dice(logits, labels)


def stand_in_for(package: str) -> None:
    """Make parts of a package importable without its ``__init__``.

    That one wants torchvision, which works with the very build of PyTorch it was made for alone; the losses do not.
    """
    found = None if package in sys.modules else importlib.util.find_spec(package)
    if found is not None:
        sys.modules[package] = types.ModuleType(package)
        sys.modules[package].__path__ = found.submodule_search_locations


LOSSES = {'MONAI': monai_loss, 'segmentation_models.pytorch': smp_loss}


def loss_step(
    name: str, batch: int, classes: int, height: int, width: int, stride: int = 1, device: str = 'cpu'
) -> Measure:
    """One peer's forward and backward on the inputs of the row."""
    loss = LOSSES[name](classes)
    logits, labels = logits_and_labels(batch, classes, height, width, stride, device)

    def step() -> None:
        enlarged = logits
        if stride > 1:
            enlarged = F.interpolate(logits, labels.shape[1:], mode='bilinear', align_corners=False)
        loss(enlarged, labels).backward()
        assert logits.grad is not None
        logits.grad = None

    return timed(step, device)
