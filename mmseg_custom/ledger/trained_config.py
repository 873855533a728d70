"""What weights were trained with: the record beside them, its config and its overrides."""

import ast
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from mmseg_custom.config import load_run_config
from mmseg_custom.errors import StageError
from mmseg_custom.io.files import PathLike
from mmseg_custom.ledger.changes import RUN_FILE
from mmseg_custom.ledger.ledger_record import read_ledger_record
from mmseg_custom.ledger.run_folder import stage_of
from mmseg_custom.ledger.stage_ledger import Entry, StageLedger


def load_trained_config(
    model: PathLike, config: PathLike | None = None, cfg_options: Mapping[str, Any] | None = None
) -> Config:
    """The config that weights were trained with, overrides included.

    What is used is the record that the training wrote beside the weights, never what a checkpoint says about itself:
    a checkpoint may be anybody's.

    Args:
        model: A checkpoint or the folder of a stage or run.
        config: Read instead of the recorded one; needed where none is recorded.
        cfg_options: Overrides by dotted key; they win over the recorded ones.

    Raises:
        StageError: If the config is neither given nor recorded.
    """
    record = find_record(model) or {}
    fold = None if config else record.get('fold')
    config = config or record.get('config')
    if config is None:
        raise StageError(
            f'{model}: name its config before it. The config text inside a checkpoint is code and is never used.'
        )
    return load_run_config(config, cfg_options=options_with_trained(model, cfg_options), fold=fold)


def options_with_trained(model: PathLike, cfg_options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Overrides, and those that weights were trained with where the former say nothing; the latter are logged."""
    given = dict(cfg_options or {})
    options = {key: value for key, value in trained_options(find_record(model) or {}).items() if key not in given}
    if options:
        told = ' '.join(f'{key}={value}' for key, value in options.items())
        print_log(f'{model} was trained with --cfg-options {told}: used here too.', logger='current')
    return {**options, **given}


def find_record(model: PathLike) -> Entry | None:
    """The record of the run that weights come from.

    Args:
        model: The folder of a stage, or of all of them (the last one), or a checkpoint in that of a stage (an average
            and the winner have the record of its first run) or of a run; others have none.
    """
    model = stage_of(model)
    folder = model if model.is_dir() else model.parent
    finished = StageLedger(folder).finished_runs()
    if finished:
        name = model.stem
        return StageLedger(folder).entry(name if name in finished else finished[0])
    return read_ledger_record(folder / RUN_FILE) if (folder / RUN_FILE).is_file() else None


def trained_options(record: Entry) -> dict[str, Any]:
    """The overrides in a record by dotted key."""
    return {key: _read_value(text) for key, text in record.get('cfg_options', {}).items()}


def given_options(cfg: Config) -> dict[str, Any]:
    """The overrides that a config was read with, by dotted key."""
    return trained_options({'cfg_options': cfg.get('cfg_options', {})})


def _read_value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except ValueError:  # Infinity has no literal.
        return float(text)
