"""Averaging files and whole stage folders, outside of training."""

from pathlib import Path

from mmengine.registry import init_default_scope

from mmseg_custom.averaging import average_state_dicts
from mmseg_custom.engine.checkpoint_io import (
    CheckpointError,
    hash_weights,
    load_checkpoint_file,
    load_weights,
    save_checkpoint_file,
)
from mmseg_custom.engine.files import PathLike
from mmseg_custom.stages.launch import load_run_config
from mmseg_custom.stages.lease import lease
from mmseg_custom.stages.ledger import Entry, StageError, StageLedger, member_names
from mmseg_custom.stages.lineage import UNKNOWN, average_lineage
from mmseg_custom.stages.scoring import WeightScorer
from mmseg_custom.stages.winner import KEPT_META, choose_winner


def average_files(inputs: list[Path], output: Path) -> None:
    """Write the parameter average of checkpoint files, with its lineage.

    Raises:
        CheckpointError: If a file cannot be used, or ``output`` is one of the inputs.
        AveragingError: If the files are of different architectures.
    """
    if output.resolve() in {path.resolve() for path in inputs}:
        raise CheckpointError(f'{output} is one of the inputs: give --out another name.')
    states = [load_weights(path) for path in inputs]
    weights = average_state_dicts(states)
    metas = [load_checkpoint_file(path).get('meta') or {} for path in inputs]
    entries = {
        str(path): {'weights': hash_weights(state), 'lineage': meta.get('lineage') or {'seen': [UNKNOWN]}}
        for path, state, meta in zip(inputs, states, metas, strict=True)
    }
    kept = {key: metas[0][key] for key in KEPT_META if key in metas[0]}
    save_checkpoint_file({'meta': {**kept, 'lineage': average_lineage(entries)}, 'state_dict': weights}, output)


def fuse_folder(folder: PathLike, config: PathLike | None = None, cfg_options: dict | None = None) -> Entry:
    """Build and score the candidates of a stage's folder and make its winner.

    Args:
        folder: ``work_dirs/<recipe>/stage<S>``.
        config: Gives network, data and metric; by default the one the first finished run was trained with.
        cfg_options: Overrides by dotted key.

    Raises:
        StageError: If the folder holds no finished run, a run is missing, or another process is at it.
    """
    ledger = StageLedger(folder)
    finished = ledger.finished_members()
    if not finished:
        raise StageError(f'{folder} holds no finished run of a stage.')
    first = ledger.entry(finished[0])
    cfg = load_run_config(config or first['config'], cfg_options=cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    with lease(ledger.lease_path) as held:
        if not held:
            raise StageError(f'Another process is fusing {folder}: wait for it.')
        return choose_winner(ledger, member_names(first['num_folds']), WeightScorer(cfg))
