"""From what a user names as a model to a predictor."""

from pathlib import Path
from typing import Any

from mmcv.cnn import fuse_conv_bn
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmseg_custom.inference.errors import InputError
from mmseg_custom.inference.labels import labels_of_config
from mmseg_custom.inference.networks import Ensemble, Network, TorchNetwork, build_segmentor, choose_device
from mmseg_custom.inference.onnx_network import open_onnx
from mmseg_custom.inference.predictor import Predictor
from mmseg_custom.inference.preparation import Preparation, image_steps
from mmseg_custom.io.files import PathLike
from mmseg_custom.ledger.run_folder import runs_of
from mmseg_custom.ledger.trained_config import load_trained_config

CONFIG_SUFFIXES = ('.py', '.json', '.yaml', '.yml')


def open_predictor(
    model: PathLike,
    config: PathLike | None = None,
    *,
    device: str = 'auto',
    smooth: bool = False,
    keep_scores: bool = False,
    keep_uncertainty: bool = False,
    cfg_options: dict | None = None,
    amp: bool = False,
    compiled: bool = False,
) -> Predictor:
    """Make a predictor of a model.

    Args:
        model: A checkpoint, an ONNX file of ``tools/export.py``, or the folder of a stage (of a whole run: its
            last one), whose finished runs predict together (mean of their softmax probabilities).
        config: The config of the checkpoint. A stage's folder and the checkpoints in it know their own, an ONNX file
            needs none. The config text inside a checkpoint is never used: it is code.
        device: ``'auto'`` or one of PyTorch's.
        smooth: See :class:`~mmseg_custom.inference.predictor.Predictor`.
        keep_scores: See there.
        keep_uncertainty: See there.
        cfg_options: Overrides of the config by dotted key; they win over those the model was trained with.
        amp: Compute in bfloat16; not for an ONNX file.
        compiled: Compile the network for every size of image; not for an ONNX file.

    Raises:
        InputError: If the model cannot be used.
        StageError: If the config is needed and not given.
    """
    device = choose_device(device)
    options = {'smooth': smooth, 'keep_scores': keep_scores, 'keep_uncertainty': keep_uncertainty}
    if Path(model).suffix == '.onnx':
        if amp or compiled:
            raise InputError(f'{model} runs in ONNX Runtime as it is: leave out --amp and --compile.')
        return open_onnx(model, device, **options)
    files = runs_of(model)
    cfg = prepared_config(model, config, cfg_options)
    networks = [TorchNetwork(fuse_conv_bn(build_segmentor(cfg, file)), device, amp, compiled) for file in files]
    network: Network = networks[0] if len(networks) == 1 else Ensemble(networks)
    return Predictor(network, Preparation(image_steps(cfg)), labels_of_config(cfg), **options)


def prepared_config(
    model: PathLike, config: PathLike | None = None, cfg_options: dict[str, Any] | None = None
) -> Config:
    """The config a model was trained with, its registry scope made the default one."""
    cfg = load_trained_config(model, config, cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    return cfg


def split_config(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Take a config off the front of positional arguments, if there is one."""
    if arguments and Path(arguments[0]).suffix in CONFIG_SUFFIXES:
        return arguments[0], arguments[1:]
    return None, arguments
