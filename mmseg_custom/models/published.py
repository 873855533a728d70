"""Key mapping between the published DeepLabV3+ and ours; tensors are passed on as they are.

Ours is the state dict of mmseg's ``EncoderDecoder`` with ``DilatedResNet`` and ``DeepLabV3PlusHead`` of three
dilations, of any depth and width.
"""

import re

from torch import Tensor

from mmseg_custom.errors import UserError

StateDict = dict[str, Tensor]

# Published sequence, index of its convolution (batch norm follows), our module.
_CONV_BN = (
    *((f'aspp.convs.{branch}', 0, f'aspp_modules.{branch}') for branch in range(4)),
    ('aspp.convs.4', 1, 'image_pool'),
    ('aspp.project', 0, 'project'),
    ('decoder.low_level_conv', 0, 'low_level_conv'),
    ('decoder.fusion_conv', 0, 'fusion_conv.0'),
    ('decoder.fusion_conv', 3, 'fusion_conv.1'),
)
_CONV = ('weight',)
_BN = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
_BLOCK = (('conv1', _CONV), ('bn1', _BN), ('conv2', _CONV), ('bn2', _BN))
_DOWNSAMPLE = (('downsample.0', _CONV), ('downsample.1', _BN))


class StateDictKeyError(UserError, ValueError):
    """A state dict whose keys are not those of the model; the message lists them."""


def published_to_mmseg(state_dict: StateDict) -> StateDict:
    """Rename the keys of a published state dict to ours.

    Raises:
        StateDictKeyError: If keys are missing or unknown.
    """
    return _rename(state_dict, _head_keys())


def mmseg_to_published(state_dict: StateDict) -> StateDict:
    """Rename our keys to the published ones.

    Raises:
        StateDictKeyError: If keys are missing or unknown, as those of an auxiliary head are.
    """
    return _rename(state_dict, {ours: published for published, ours in _head_keys().items()})


def convert_checkpoint(checkpoint: dict) -> dict:
    """Convert a checkpoint to the other convention, found by its keys.

    Args:
        checkpoint: A state dict, plain or under ``model_state_dict`` (published) or ``state_dict`` (ours).

    Returns:
        ``{'state_dict': ..., 'meta': {}}`` for a published one, ``{'model_state_dict': ...}`` for ours.

    Raises:
        StateDictKeyError: If it is neither, or keys are missing or unknown.
    """
    weights = checkpoint.get('model_state_dict', checkpoint.get('state_dict', checkpoint))
    if any(key.startswith('decode_head.') for key in weights):
        return {'model_state_dict': mmseg_to_published(weights)}
    if any(key.startswith('aspp.') for key in weights):
        return {'state_dict': published_to_mmseg(weights), 'meta': {}}
    raise StateDictKeyError(
        f'Neither the published DeepLabV3+ nor ours: no key starts with "aspp." or "decode_head.", the first '
        f'are {list(weights)[:5]}.'
    )


def _head_keys() -> dict[str, str]:
    keys = {f'classifier.{leaf}': f'decode_head.conv_seg.{leaf}' for leaf in ('weight', 'bias')}
    for published, index, ours in _CONV_BN:
        keys[f'{published}.{index}.weight'] = f'decode_head.{ours}.conv.weight'
        keys |= {f'{published}.{index + 1}.{leaf}': f'decode_head.{ours}.bn.{leaf}' for leaf in _BN}
    return keys


def _backbone_keys(state_dict: StateDict) -> set[str]:
    """The keys a complete backbone has, of the number of blocks that ``state_dict`` shows."""
    keys = _keys('backbone', (('conv1', _CONV), ('bn1', _BN)))
    for stage in range(1, 5):
        prefix = f'backbone.layer{stage}'
        found = [re.match(rf'{re.escape(prefix)}\.(\d+)\.', key) for key in state_dict]
        depth = 1 + max((int(match[1]) for match in found if match), default=0)
        for block in range(depth):
            keys |= _keys(f'{prefix}.{block}', _BLOCK)
        if _has_downsample(state_dict, prefix):
            keys |= _keys(f'{prefix}.0', _DOWNSAMPLE)
    return keys


def _has_downsample(state_dict: StateDict, prefix: str) -> bool:
    if any(key.startswith(f'{prefix}.0.downsample.') for key in state_dict):
        return True
    weight = state_dict.get(f'{prefix}.0.conv1.weight')
    return weight is not None and weight.shape[0] != weight.shape[1]


def _keys(prefix: str, modules: tuple[tuple[str, tuple[str, ...]], ...]) -> set[str]:
    return {f'{prefix}.{module}.{leaf}' for module, leaves in modules for leaf in leaves}


def _rename(state_dict: StateDict, head: dict[str, str]) -> StateDict:
    names = {key: key for key in _backbone_keys(state_dict)} | head
    missing, unknown = sorted(names.keys() - state_dict.keys()), sorted(state_dict.keys() - names.keys())
    if missing or unknown:
        raise StateDictKeyError(
            f'Not a complete DeepLabV3+ of one convention: missing {missing}, unknown {unknown}. Drop what '
            'belongs to other modules, and strip prefixes of wrappers such as "module.".'
        )
    return {names[key]: value for key, value in state_dict.items()}
