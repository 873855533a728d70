"""The folds predicting together, in the place of the one network of a test."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from mmengine.model import BaseModel, is_model_wrapper
from mmengine.runner import Runner
from mmseg.structures import SegDataSample
from torch import nn

from mmseg_custom.evaluation.merged_tta_model import merge_samples
from mmseg_custom.io.files import PathLike
from mmseg_custom.models.one_output import threshold_of


class FoldEnsemble(BaseModel):
    """Segmentors whose mean class probabilities are the prediction; it does not train.

    Args:
        members: At least one, all of one architecture.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def decode_head(self) -> nn.Module:
        """That of the first: what its outputs mean, and the loss of a prediction."""
        head: nn.Module = self.members[0].decode_head
        return head

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Not to be called: :meth:`test_step` is."""
        raise NotImplementedError('FoldEnsemble is tested, not trained: call test_step.')

    def test_step(self, data: dict) -> list[SegDataSample]:
        """The merged predictions of a batch."""
        each = [member.test_step(data) for member in self.members]
        threshold = threshold_of(self)
        return [merge_samples(list(samples), threshold) for samples in zip(*each, strict=True)]


def use_ensemble(runner: Runner, checkpoints: Sequence[PathLike]) -> None:
    """Let a runner test several checkpoints together; each is loaded, and checked, as a single one is.

    Args:
        runner: Before its test.
        checkpoints: Of the architecture of its config.
    """
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    members = []
    for checkpoint in checkpoints:
        runner.load_checkpoint(str(checkpoint))
        members.append(deepcopy(model))
    runner.model = FoldEnsemble(members).to(next(model.parameters()).device).eval()
