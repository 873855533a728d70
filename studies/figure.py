"""Where fusion begins to pay: findings as one figure."""

from collections.abc import Iterator
from math import ceil
from pathlib import Path
from statistics import mean

import matplotlib

matplotlib.use('agg')
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from studies.configs import POWER, base, curve_length
from studies.experiments import HALF, HIGH_RATE, LATE, SEEDS, START, TIME
from studies.results import Finding

# What is changed, and the plans that differ in nothing else, by its value.
PANELS: dict[str, dict[float, str]] = {
    'passes of one worker': {TIME * HALF: 'half_time', TIME: 'strong_time'},
    'workers and folds': {2: 'half_k2', 4: 'half_time'},
    'stages of folds': {1: 'half_one_stage', 2: 'half_time', 4: 'half_four_stages'},
    'share of the passes before the folds': {START: 'half_time', LATE: 'half_late'},
    'learning rate, in thousandths': {2: 'half_time', 8: 'half_time_lr8'},
    'share of the train list': {0.25: 'half_time_few', 1: 'half_time'},
    'learning rate at the end, of the first': {0: 'half_time', HIGH_RATE: 'half_high_rate'},
}
SINGLE = {'strong_time': 'strong', 'half_time_lr8': 'half_lr8', 'half_time_few': 'half_few'}
COLUMNS = 4  # of panels
KINDS = {'one run': 'k--', 'best fold': 'C0o-', 'best average': 'C1s-', 'ensemble': 'C2^:'}


def draw(findings: dict[str, Finding], file: Path) -> None:
    """Draw a panel for each thing that is changed, and one of what averages gain; what is not done is left out."""
    panels = {name: _known(plans, findings) for name, plans in PANELS.items()}
    panels = {name: known for name, known in panels.items() if len(known) > 1}
    if not panels:
        return
    rows = ceil((len(panels) + 1) / COLUMNS)
    size = (2.9 * COLUMNS, 3.2 * rows)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=size, squeeze=False, layout='constrained')
    *axes, last = grid.flat[: len(panels) + 1]
    for unused in grid.flat[len(panels) + 1 :]:
        unused.remove()
    for axis, (name, known) in zip(axes, panels.items(), strict=True):
        axis.sharey(axes[0])
        _panel(axis, known)
        axis.set_xlabel(name)
    for axis in axes[::COLUMNS]:
        axis.set_ylabel('mIoU on CamVid val')
    named = axes[0].get_legend_handles_labels()
    figure.legend(*named, loc='outside upper center', ncols=len(KINDS), frameon=False)
    rates, over_best, over_mean = zip(*_gains(findings), strict=True)
    last.plot(rates, over_mean, 'C4v', label='over the mean fold', markersize=5)
    last.plot(rates, over_best, 'C0o', label='over the best fold', markersize=5)
    last.axhline(0, color='k', linewidth=0.8)
    last.set(xlabel='rate at the end of a stage', ylabel='gain of the average of all folds')
    last.legend(frameon=False)
    for axis in (*axes, last):
        axis.grid(axis='y', alpha=0.3)
        axis.spines[['top', 'right']].set_visible(False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def _gains(findings: dict[str, Finding]) -> Iterator[tuple[float, float, float]]:
    """Of every stage of folds with the same initial weights: its last rate, its average's gain over best and mean."""
    recipes_own = base('strong', 1).optim_wrapper.optimizer.lr
    for finding in findings.values():
        plan = finding['experiment']
        if plan['recipe'] != 'strong' or plan['leak_free']:
            continue
        passes = [phase['passes'] for phase in plan['phases']]
        length = curve_length(sum(passes), plan['last_rate'])
        for number, stage in enumerate(finding['stages'], 1):
            if len(stage['runs']) > 1:
                scores = {name: entry['mIoU'] for name, entry in stage['candidates'].items()}
                rate = (plan['lr'] or recipes_own) * (1 - sum(passes[:number]) / length) ** POWER
                average, folds = scores['all_folds_bn'], [run['val'] for run in stage['runs'].values()]
                yield rate, average - scores['best_fold'], average - mean(folds)


def _known(plans: dict[float, str], findings: dict[str, Finding]) -> dict[float, dict[str, float]]:
    keys = {
        value: (f'{name}_seed{SEEDS[0]}', f'{SINGLE.get(name, "half")}_seed{SEEDS[0]}')
        for value, name in plans.items()
    }
    return {
        value: _scores(findings[fused], findings[single])
        for value, (fused, single) in keys.items()
        if fused in findings and single in findings
    }


def _scores(fused: Finding, single: Finding) -> dict[str, float]:
    last, alone = fused['stages'][-1]['candidates'], single['stages'][-1]
    scores = {name: entry['mIoU'] for name, entry in last.items()}
    averages = [score for name, score in scores.items() if name not in ('best_fold', 'ensemble', 'initial')]
    return {
        'one run': alone['candidates'][alone['winner']]['mIoU'],
        'best fold': scores['best_fold'],
        'best average': max(averages),
        'ensemble': scores['ensemble'],
    }


def _panel(axis: Axes, known: dict[float, dict[str, float]]) -> None:
    values = sorted(known)
    for kind, style in KINDS.items():
        axis.plot(values, [known[value][kind] for value in values], style, label=kind, markersize=5)
    axis.set_xticks(values)
