"""What `mmseg-kfold calibrate` does: the temperature becomes a part of the classifier's weights."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmseg_custom.cross_validation.run import PLAN
from mmseg_custom.cross_validation.stored_run import predictions_folder, read_stage
from mmseg_custom.engine.network import build_network, give_weights
from mmseg_custom.io.checkpoints.checkpoint_file import load_checkpoint_file, save_checkpoint_file, weights_of
from mmseg_custom.messages import Report, say
from mmseg_custom.models.decode_heads import last_head
from mmseg_custom.out_of_fold.calibration import CalibrationError, stored_temperature

TEMPERATURE = 'temperature'  # In the meta of a checkpoint whose classifier has it.
SIDE = 64  # pixels of the image that the folded network is tried on
TOLERANCE = 1e-3  # Of the largest logit.


def calibrate_weights(args: Namespace, report: Report = say) -> None:
    """`mmseg-kfold calibrate`."""
    cfg = read_stage(args.folder, args.stage)[0].cfg
    temperature = stored_temperature(predictions_folder(args.folder, args.stage))
    out = Path(args.out or Path(args.folder) / 'calibrated' / Path(args.checkpoint).name)
    if out.exists() and out.samefile(args.checkpoint):
        raise CalibrationError(f'--out {out} is the checkpoint itself: name another file.')
    content = load_checkpoint_file(args.checkpoint)
    known = (content.get('meta') or {}).get(TEMPERATURE)
    if known:
        raise CalibrationError(f'{args.checkpoint} has temperature {known:.2f} in its weights already.')
    model = _network(cfg, args.checkpoint, content)
    fold_temperature(model, temperature)
    meta = {**(content.get('meta') or {}), TEMPERATURE: temperature}
    save_checkpoint_file({'meta': meta, 'state_dict': model.state_dict()}, out)
    plan = Path(args.folder) / PLAN / f'stage{args.stage}.py'
    report(f'{out}: logits divided by {temperature:.2f}, the same classes. Its config: {plan}')


def fold_temperature(model: nn.Module, temperature: float) -> None:
    """Divide the logits of a network by a temperature, in the weights of its classifier.

    Args:
        model: A segmentor whose (last) decode head ends in a linear ``conv_seg``; changed in place.
        temperature: Above 0.

    Raises:
        CalibrationError: If its logits are not what ``conv_seg`` gives, or it has one output under a threshold.
    """
    head = last_head(model)
    classifier = getattr(head, 'conv_seg', None)
    if not isinstance(classifier, nn.Conv2d):
        raise CalibrationError(f'{type(head).__name__} has no conv_seg whose weights could take a temperature.')
    if classifier.out_channels == 1:
        raise CalibrationError(
            'The network has one output under a sigmoid, and its threshold would have to move with the temperature: '
            'train it with out_channels=2 to calibrate it by its weights.'
        )
    before = _logits(model)
    with torch.no_grad():
        for parameter in classifier.parameters():
            parameter.div_(temperature)
    after = _logits(model)
    if (after * temperature - before).abs().max() > TOLERANCE * before.abs().max():
        raise CalibrationError(
            f'The logits of {type(head).__name__} are not divided when the weights of its conv_seg are: it computes '
            'more behind it.'
        )


@torch.no_grad()
def _logits(model: nn.Module) -> Tensor:
    model.eval()
    channels = getattr(model.data_preprocessor, 'mean', torch.zeros(3)).numel()
    image = torch.rand(1, channels, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    try:
        found: Any = model(image, mode='tensor')
    except Exception as error:  # A network is anybody's code.
        raise CalibrationError(
            f'The network cannot be tried on an image of {SIDE} x {SIDE} ({type(error).__name__}: {error}).'
        ) from error
    if not isinstance(found, Tensor):
        raise CalibrationError(f'The network gives no map of logits, but a {type(found).__name__}.')
    return found.double()


def _network(cfg: Config, checkpoint: str, content: dict[str, Any]) -> nn.Module:
    model = build_network(cfg.model)
    give_weights(model, weights_of(content, checkpoint, model.state_dict()), checkpoint)
    return model
