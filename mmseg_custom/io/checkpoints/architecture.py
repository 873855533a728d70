"""Whether weights fit a model."""

from collections.abc import Mapping

from torch import Tensor, nn

from mmseg_custom.io.checkpoints.checkpoint_file import CheckpointError


def check_architecture(model: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Compare weights with a model before anything is loaded.

    Raises:
        CheckpointError: If a key or shape differs, naming the first ones.
    """
    own = model.state_dict()
    missing, extra = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
    shapes = [
        f'{key} {tuple(weights[key].shape)} {weights[key].dtype} instead of {tuple(value.shape)} {value.dtype}'
        for key, value in own.items()
        if key in weights
        and (weights[key].shape, weights[key].is_floating_point()) != (value.shape, value.is_floating_point())
    ]
    if missing or extra or shapes:
        raise CheckpointError(
            f'{source} is not of the architecture of the config: {len(missing)} entries are missing {missing[:3]}, '
            f'{len(extra)} unknown {extra[:3]}, {len(shapes)} of another shape or type {shapes[:3]}. Use the '
            "config it was trained with, or model.backbone.init_cfg=dict(type='SafePretrained', checkpoint=..., "
            "prefix='backbone') to take over only a part."
        )
