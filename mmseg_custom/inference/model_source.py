"""From what a user names as a model to a predictor."""

from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmseg_custom.engine.files import PathLike
from mmseg_custom.inference.errors import InputError
from mmseg_custom.inference.labels import labels_of_config
from mmseg_custom.inference.networks import Ensemble, Network, TorchNetwork, build_segmentor, choose_device
from mmseg_custom.inference.onnx_network import open_onnx
from mmseg_custom.inference.predictor import Predictor
from mmseg_custom.inference.preparation import Preparation, image_steps
from mmseg_custom.stages.launch import load_run_config
from mmseg_custom.stages.ledger import StageLedger

CONFIG_SUFFIXES = ('.py', '.json', '.yaml', '.yml')


def open_predictor(
    model: PathLike,
    config: PathLike | None = None,
    *,
    device: str = 'auto',
    smooth: bool = False,
    keep_scores: bool = False,
    cfg_options: dict | None = None,
) -> Predictor:
    """Make a predictor of a model.

    Args:
        model: A checkpoint, an ONNX file of ``tools/export.py``, or the folder of a stage, whose finished runs
            predict together (mean of their softmax probabilities).
        config: The config of the checkpoint. A stage's folder knows its own, an ONNX file needs none. The config
            text inside a checkpoint is never used: it is code.
        device: ``'auto'`` or one of PyTorch's.
        smooth: See :class:`~mmseg_custom.inference.predictor.Predictor`.
        keep_scores: See there.
        cfg_options: Overrides of the config by dotted key.

    Raises:
        InputError: If the config is needed and not given, or the model cannot be used.
    """
    device = choose_device(device)
    options = {'smooth': smooth, 'keep_scores': keep_scores}
    if Path(model).suffix == '.onnx':
        return open_onnx(model, device, **options)
    members, config = _members(Path(model), config)
    cfg = prepared_config(config, cfg_options)
    networks = [TorchNetwork(build_segmentor(cfg, member), device) for member in members]
    network: Network = networks[0] if len(networks) == 1 else Ensemble(networks)
    return Predictor(network, Preparation(image_steps(cfg)), labels_of_config(cfg), **options)


def prepared_config(config: PathLike, cfg_options: dict | None = None) -> Config:
    """Read a config and make its registry scope the default one."""
    cfg = load_run_config(config, cfg_options=cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    return cfg


def split_config(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Take a config off the front of positional arguments, if there is one."""
    if arguments and Path(arguments[0]).suffix in CONFIG_SUFFIXES:
        return arguments[0], arguments[1:]
    return None, arguments


def _members(model: Path, config: PathLike | None) -> tuple[list[Path], PathLike]:
    if model.is_dir():
        ledger = StageLedger(model)
        finished = ledger.finished_members()
        if not finished:
            raise InputError(
                f'{model} holds no finished run of a stage: name a checkpoint, or work_dirs/RECIPE/stageS.'
            )
        return [ledger.weights_path(name) for name in finished], config or ledger.entry(finished[0])['config']
    if config is None:
        raise InputError(
            f'{model}: name its config before it. The config text inside a checkpoint is code and is never used.'
        )
    return [model], config
