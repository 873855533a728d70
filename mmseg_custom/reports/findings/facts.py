"""What the report says in words and tables: headline, record of the runs, configs, commands."""

import shlex
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.fold_settings import COMMAND
from mmseg_custom.ledger.stage_ledger import EARLY_STOP, Entry
from mmseg_custom.plan.early_stop import explain_not_run
from mmseg_custom.reports.findings.out_of_fold_tables import class_table, fold_table
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, StageRecord
from mmseg_custom.reports.findings.recipe_table import candidate_label
from mmseg_custom.reports.findings.statistics import mean_and_deviation

UNSEEN = (
    'These weights were not trained on the val images. Each winner was chosen on them, though, so the score is the '
    'best of several and a little too good; images that nothing was chosen on would tell.'
)
UNTOUCHED = 'These weights were not trained on the val images, and nothing was chosen on them: val only reports.'
SEEN = (
    '* These weights were trained on images of val, or on images nobody recorded: it is optimistically biased, '
    'because a network knows the answers to what it was trained on.'
)
RECORD_TITLES = ('stage', 'run', 'config', 'config checksum', 'seed', 'weights', 'starts from', 'minutes', 'peak GB')


def headline(recipe: RecipeRecord) -> dict[str, Any] | None:
    """The numbers at the top of the page, ``None`` while there is no winner."""
    if not recipe.fused:
        return None
    first, last, end = recipe.fused[0], recipe.fused[-1], recipe.ended_by
    scores = last.winner['val']
    mean, deviation = mean_and_deviation([entry['val']['mIoU'] for entry in last.runs.values()])
    return {
        'scores': scores,
        'score': scores['mIoU'],
        'first': first.number,
        'first_score': first.winner['val']['mIoU'],
        'gain': scores['mIoU'] - first.winner['val']['mIoU'],
        'winner': candidate_label(last.outcome['winner'], last.winner['ingredients']),
        'stage': last.number,
        'progress': _progress(recipe),
        'mean': mean,
        'deviation': deviation,
        'seen': last.val_seen,
        'end': f'Stage {end.number} ended the plan: {end.outcome[EARLY_STOP]}.' if end else '',
        'sentence': SEEN if last.val_seen else UNSEEN if recipe.chosen_on_val else UNTOUCHED,
    }


def out_of_fold_facts(recipe: RecipeRecord) -> dict[str, Any] | None:
    """What the page says of the folds of the last complete stage together, ``None`` if they were not added up."""
    found = recipe.out_of_fold
    if found is None:
        return None
    return {
        'scores': found.pooled,
        'mark': found.mark(),
        'interval': found.intervals['mIoU'],
        'resampled': found.resampled,
        'mean': found.mean['mIoU'],
        'deviation': found.deviation['mIoU'],
        'sentence': found.sentence,
        'notes': found.notes,
        'tables': [fold_table(found), class_table(found)],
    }


def _progress(recipe: RecipeRecord) -> str:
    """Which part of the plan the last winner is of, as the rest of a sentence."""
    last, end = recipe.fused[-1], recipe.ended_by
    if last is recipe.stages[-1]:
        return f', the last of {len(recipe.stages)}'
    rest = explain_not_run(end.number) if last is end else 'not finished'
    return f' of {len(recipe.stages)}; the later ones are {rest}'


def record_of_runs(recipe: RecipeRecord) -> dict[str, Any]:
    """The table of runs with checksums, and what they have in common."""
    entries = recipe.runs
    versions = {f'{package} {version}' for _, _, entry in entries for package, version in entry['versions'].items()}
    return {
        'titles': RECORD_TITLES,
        'runs': [_record(stage, name, entry) for stage, name, entry in entries],
        'time': _duration(sum(entry['seconds'] for _, _, entry in entries)),
        'seeds': ', '.join(sorted({str(entry['seed']) for _, _, entry in entries})),
        'versions': ', '.join(sorted(versions)),
    }


def _record(stage: StageRecord, name: str, entry: Entry) -> list[tuple[str, str]]:
    parents = entry['lineage']['parents']
    start = [(f'{_short(parent["file"])} {parent["weights"][:12]}', parent['weights']) for parent in parents]
    return [
        (str(stage.number), ''),
        (name, ''),
        (str(entry['config']) + ('' if entry['fold'] is None else f' --fold {entry["fold"]}'), ''),
        (entry['config_hash'][:12], entry['config_hash']),
        (str(entry['seed']), ''),
        (entry['weights'][:12], entry['weights']),
        start[0] if start else ('scratch', ''),
        (f'{entry["seconds"] / 60:.1f}', ''),
        (f'{entry["peak_memory"] / 1e9:.2f}' if 'peak_memory' in entry else '', ''),
    ]


def _short(path: str) -> str:
    """The file and its folder."""
    return '/'.join(Path(path).parts[-2:])


def _duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f'{hours} h {minutes:02} min' if hours else f'{minutes} min'


def config_texts(recipe: RecipeRecord) -> dict[str, str]:
    """The text of the config of each stage's first run with all its bases, as far as the files are there."""
    firsts = {stage.number: next(iter(stage.runs.values()))['config'] for stage in recipe.stages if stage.runs}
    return {
        f'{number} ({config})': Config.fromfile(config, import_custom_modules=False).text
        for number, config in firsts.items()
        if config and Path(config).is_file()
    }


def reproduction(recipe: RecipeRecord, cfg_options: dict[str, Any] | None = None, repeats: int = 1) -> list[str]:
    """The commands that make the recipe, so often with other seeds, and this report anew."""
    first = recipe.runs[0][-1]
    report = ['python', 'tools/report.py', str(recipe.folder)]
    if first['config'] is None:
        return [shlex.join(report)]
    own = _command_of(first['config'])
    if own:
        return [own, f'{own.partition(" run ")[0]} report {shlex.quote(str(recipe.folder))}']
    options = [f'{key}={value}'.replace(' ', '') for key, value in (cfg_options or {}).items()]
    overrides = ['--cfg-options', *options] if options else []
    seeds = ['--repeats', str(repeats)] if repeats > 1 else []
    commands = [
        ['python', 'tools/prepare_data.py', first['config'], *overrides],
        ['python', 'tools/run_recipe.py', str(Path(first['config']).parent), *seeds, *overrides],
        [*report, *overrides],
    ]
    if recipe.fused:
        stage = recipe.fused[-1]
        config = next(iter(stage.runs.values()))['config']
        commands.append(['python', 'tools/test.py', config, str(stage.folder / 'winner.pth'), *overrides])
    return [shlex.join(command) for command in commands]


def _command_of(config: str) -> str | None:
    """What `mmseg-kfold run` was called with, if it has written the config."""
    return Config.fromfile(config, import_custom_modules=False).get(COMMAND) if Path(config).is_file() else None
