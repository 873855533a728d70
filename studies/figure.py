"""Where fusion begins to pay: findings as one figure."""

from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import altair as alt

from mmseg_custom.io.files import write_bytes
from mmseg_custom.reports.charts.figure import CONFIG, series_scale, table
from mmseg_custom.reports.pictures import render
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
WIDTH, HEIGHT = 190, 230  # of a panel in pixels, axes not counted
KINDS = {'one run': '#000000', 'best fold': '#0072B2', 'best average': '#D55E00', 'ensemble': '#009E73'}
GAINS = {'gain over the mean fold': '#CC79A7', 'gain over the best fold': '#56B4E9'}
LEGEND = alt.Legend(title=None, columns=len(KINDS) + len(GAINS), symbolSize=80)
# One legend for all panels.
LOOK = {
    'color': alt.Color('kind:N', scale=series_scale(KINDS | GAINS), legend=LEGEND),
    'shape': alt.Shape('kind:N', scale=alt.Scale(domain=[*KINDS, *GAINS]), legend=LEGEND),
}


def draw(findings: dict[str, Finding], file: Path) -> None:
    """Draw a panel for each thing that is changed, and one of what averages gain; what is not done is left out."""
    panels = {name: _known(plans, findings) for name, plans in PANELS.items()}
    panels = {name: known for name, known in panels.items() if len(known) > 1}
    if not panels:
        return
    scores = [score for known in panels.values() for kinds in known.values() for score in kinds.values()]
    span = alt.Scale(zero=False, domain=[min(scores), max(scores)], nice=True)
    charts = [_panel(name, known, span) for name, known in panels.items()] + [_gain_panel(findings)]
    rows = [alt.hconcat(*charts[i : i + COLUMNS]) for i in range(0, len(charts), COLUMNS)]
    figure = alt.vconcat(*rows).configure(**CONFIG)
    file.parent.mkdir(parents=True, exist_ok=True)
    _, png = render(figure.to_dict(validate=False))
    write_bytes(png, file)


def _panel(name: str, known: dict[float, dict[str, float]], span: alt.Scale) -> alt.Chart:
    rows = [{'x': x, 'kind': kind, 'y': y} for x, kinds in sorted(known.items()) for kind, y in kinds.items()]
    values = alt.Axis(values=sorted(known), format='.2~f')
    return (
        alt.Chart(table(rows), width=WIDTH, height=HEIGHT)
        .mark_line(point={'size': 45, 'filled': True})
        .encode(
            x=alt.X('x:Q', title=name, scale=alt.Scale(zero=False, nice=False), axis=values),
            y=alt.Y('y:Q', title='mIoU on CamVid val in %', scale=span),
            **LOOK,
        )
    )


def _gain_panel(findings: dict[str, Finding]) -> alt.LayerChart:
    rows = [
        {'rate': rate, 'gain': gain, 'kind': kind}
        for rate, *gains in _gains(findings)
        for kind, gain in zip(reversed(GAINS), gains, strict=True)
    ]
    points = alt.Chart(table(rows), width=WIDTH, height=HEIGHT).mark_point(filled=True, size=45, opacity=1)
    zero = alt.Chart(table([{'gain': 0}])).mark_rule(color='#000000').encode(y='gain:Q')
    return zero + points.encode(
        x=alt.X('rate:Q', title='learning rate at the end of a stage', axis=alt.Axis(tickCount=4)),
        y=alt.Y('gain:Q', title='gain of the average of all folds in points'),
        **LOOK,
    )


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
