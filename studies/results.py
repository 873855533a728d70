"""What an experiment found, kept as one small file."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmseg_custom.engine.history import epochs_trained
from mmseg_custom.evaluation.score import ENSEMBLE
from mmseg_custom.io.files import read_json
from mmseg_custom.ledger.stage_ledger import StageLedger
from studies.experiments import Experiment

Finding = dict[str, Any]


def finding_of(experiment: Experiment, ledgers: dict[int, StageLedger], machine: dict[str, str]) -> Finding:
    """What the ledgers of a finished plan say: scores in percent, passes over the train list, seconds."""
    return {
        'experiment': asdict(experiment),
        'passes': {'all': experiment.cost, 'one worker': experiment.time},
        'machine': machine,
        'stages': [_stage(ledger) for ledger in ledgers.values()],
    }


def load_all(folder: Path) -> dict[str, Finding]:
    """All findings in a folder, by their names."""
    return {file.stem: read_json(file) for file in sorted(folder.glob('*.json'))}


def _stage(ledger: StageLedger) -> Finding:
    outcome = ledger.outcome()
    ensemble = {ENSEMBLE: outcome[ENSEMBLE]} if ENSEMBLE in outcome else {}
    runs = {name: ledger.entry(name) for name in outcome['runs']}
    return {
        'winner': outcome['winner'],
        'candidates': {name: _candidate(entry) for name, entry in {**outcome['candidates'], **ensemble}.items()},
        'runs': {name: _run(entry) for name, entry in runs.items()},
    }


def _candidate(entry: dict) -> Finding:
    per_class = {key: round(value, 2) for key, value in entry['val'].items() if key.startswith('IoU.')}
    interval = [round(end, 2) for end in entry.get('interval', {}).get('val', [])]
    return {'mIoU': round(entry['val']['mIoU'], 3), 'interval': interval, 'classes': per_class}


def _run(entry: dict) -> Finding:
    curve = [round(record['mIoU'], 2) for record in entry['history'] if 'mIoU' in record]
    return {
        'epochs': epochs_trained(entry['history']),
        'best_epoch': entry['best']['epoch'],
        'held_out': round(entry['best']['mIoU'], 3),
        'seen': entry['best']['seen'],
        'val': round(entry['val']['mIoU'], 3),
        'seconds': entry['seconds'],
        'peak_memory': entry['peak_memory'],
        'curve': curve,
    }
