"""The network of a config, and weights put into it."""

from collections.abc import Mapping
from typing import Any

from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_custom.datasets.class_weight_files import with_class_weights
from mmseg_custom.io.checkpoints.architecture import check_architecture


def build_network(model: Any) -> nn.Module:
    """The network of a config's ``model``, whose losses may name files of class weights; its weights are initial."""
    network: nn.Module = MODELS.build(with_class_weights(model))
    return network


def give_weights(network: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Load weights into a network that has exactly these.

    Args:
        network: Changed in place.
        weights: A state dict.
        source: What they are, for the message.

    Raises:
        CheckpointError: If they are of another architecture.
    """
    check_architecture(network, weights, source)
    network.load_state_dict(weights)
