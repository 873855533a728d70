"""Findings as tables in Markdown."""

from collections import defaultdict
from collections.abc import Iterable
from statistics import mean, stdev

from studies.experiments import WIDTH, Experiment
from studies.results import Finding

COLUMNS = (
    'plan',
    'seeds',
    'mIoU on val',
    '95 % interval (first seed)',
    'held-out folds',
    'passes',
    'of one worker',
    'CPU hours',
    'GB',
)


def describe(experiment: Experiment) -> str:
    """What an experiment trains, in a line."""
    phases = [f'{phase.passes:g}' + (f' x {phase.folds}' if phase.folds else '') for phase in experiment.phases]
    cost = f'{experiment.cost:g} in all, {experiment.time:g} a worker'
    special = {
        f'learning rate {experiment.lr}': experiment.lr,
        f'learning rate down to {experiment.last_rate:g}': experiment.last_rate,
        f'{experiment.warm_up} iterations of warm-up a stage': experiment.warm_up,
        f'every {experiment.every}th image': experiment.every != 1,
        'leak-free folds of blocks': experiment.leak_free,
        f'{experiment.width / WIDTH:g} times as wide': experiment.width != WIDTH,
    }
    plan = f'{experiment.recipe}, passes {" + ".join(phases)}'
    return '; '.join([plan, *(words for words, is_so in special.items() if is_so), cost])


def tables(findings: dict[str, Finding]) -> str:
    """All findings: a row a plan, and below it one for each way of fusing its last stage."""
    grouped = defaultdict(list)
    for finding in findings.values():
        grouped[finding['experiment']['name']].append(finding)
    rows = [line for name, group in grouped.items() for line in _rows(name, group)]
    return '\n'.join([_row(COLUMNS), '|---' * len(COLUMNS) + '|', *rows])


def _rows(name: str, group: list[Finding]) -> list[str]:
    last = [finding['stages'][-1] for finding in group]
    winners = [stage['candidates'][stage['winner']] for stage in last]
    passes = group[0]['passes']
    runs = [[run for stage in finding['stages'] for run in stage['runs'].values()] for finding in group]
    hours = mean(sum(run['seconds'] for run in one) for one in runs) / 3600
    memory = max(run['peak_memory'] for one in runs for run in one) / 1e9
    costs = (f'{passes["all"]:g}', f'{passes["one worker"]:g}', f'{hours:.2f}', f'{memory:.2f}')
    lines = [_row((f'**{name}**', len(group), _score(winners), _interval(winners[0]), _held_out(last), *costs))]
    if len(last[0]['runs']) > 1:
        common = [kind for kind in last[0]['candidates'] if all(kind in stage['candidates'] for stage in last)]
        for kind in common:
            found = [stage['candidates'][kind] for stage in last]
            lines.append(_row((kind, len(group), _score(found), _interval(found[0]), *[''] * 5)))
    return lines


def _row(cells: Iterable[object]) -> str:
    return f'| {" | ".join(map(str, cells))} |'


def _held_out(stages: list[Finding]) -> str:
    """The mean of the last held-out folds; it is optimistically biased where weights have seen these."""
    runs = [run for stage in stages for run in stage['runs'].values()]
    if len(stages[0]['runs']) == 1:
        return '-'
    return f'{mean(run["held_out"] for run in runs):.2f}' + ' (seen)' * any(run['seen'] for run in runs)


def _score(found: list[Finding]) -> str:
    scores = [one['mIoU'] for one in found]
    return f'{mean(scores):.2f}' + (f' ± {stdev(scores):.2f}' if len(scores) > 1 else '')


def _interval(found: Finding) -> str:
    return ' to '.join(f'{end:.1f}' for end in found['interval']) or '-'
