"""Lines, bars and points as Plotly figures."""

import math
from collections.abc import Sequence

from mmseg_custom.reports.charts.kinds import ACCENT, TEXT, BarChart, Bars, Line, LineChart, Scatter
from mmseg_custom.reports.drawing.plotly_base import AXIS, figure, numbers, plain_text, plotly_figure

STRIPES = {'shape': '/', 'fillmode': 'overlay', 'fgcolor': '#ffffff', 'fgopacity': 0.9, 'size': 7, 'solidity': 0.35}
LABEL_PLACES = ('top center', 'bottom center')


@plotly_figure.register
def _lines(chart: LineChart) -> dict:
    data = [
        {
            'type': 'scatter',
            'mode': 'lines+markers',
            'name': line.name,
            'legendgroup': line.name,
            'showlegend': line.name not in {other.name for other in chart.lines[:i]},
            'x': [x for x, _ in line.points],
            'y': numbers([y for _, y in line.points]),
            'line': {'color': line.colour, 'width': 1.6, 'dash': 'dash' if line.dashed else 'solid'},
            'marker': {'size': 4},
            'hovertemplate': f'{chart.x_title} %{{x}}: %{{y:.4~g}}',
        }
        for i, line in enumerate(chart.lines)
    ]
    data += [_band(line) for line in chart.lines if line.band]
    if chart.stars:
        data.append(_stars(chart))
    tick = {'type': 'log', 'tickformat': '.0e', 'dtick': 'D2'} if chart.log else {}
    axes = {'xaxis': AXIS | {'title': {'text': chart.x_title}}, 'yaxis': AXIS | tick}
    return figure(data, 340, shapes=_marks(chart), annotations=_stage_names(chart), **axes)


def _band(line: Line) -> dict:
    """An area that goes along the lower ends and back along the upper ones."""
    known = [(x, *ends) for (x, _), ends in zip(line.points, line.band, strict=True) if not math.isnan(ends[0])]
    there, back = [(x, low) for x, low, _ in known], [(x, high) for x, _, high in reversed(known)]
    return {
        'type': 'scatter',
        'mode': 'lines',
        'legendgroup': line.name,
        'showlegend': False,
        'hoverinfo': 'skip',
        'x': [x for x, _ in there + back],
        'y': [y for _, y in there + back],
        'fill': 'toself',
        'fillcolor': line.colour,
        'opacity': 0.15,
        'line': {'width': 0, 'color': line.colour},
    }


def _stars(chart: LineChart) -> dict:
    return {
        'type': 'scatter',
        'mode': 'markers',
        'name': 'winner, on val',
        'x': [x for x, _ in chart.stars],
        'y': numbers([y for _, y in chart.stars]),
        'marker': {'symbol': 'star', 'size': 12, 'color': '#000000'},
        'hovertemplate': 'winner at epoch %{x}: %{y:.2f} on val',
    }


def _marks(chart: LineChart) -> list[dict]:
    line = {'type': 'line', 'yref': 'paper', 'y0': 0, 'y1': 1, 'layer': 'below'}
    stages = [line | {'x0': x, 'x1': x, 'line': {'color': '#9aa1a9', 'width': 1}} for x, _ in chart.stages]
    dotted = {'color': ACCENT, 'width': 1, 'dash': 'dot'}
    return stages + [line | {'x0': x, 'x1': x, 'line': dotted} for x in chart.restarts]


def _stage_names(chart: LineChart) -> list[dict]:
    place = {'yref': 'paper', 'y': 1, 'yanchor': 'bottom', 'xanchor': 'left', 'showarrow': False}
    return [
        place | {'x': x, 'text': plain_text(name), 'font': {'size': 11, 'color': '#555c63'}}
        for x, name in chart.stages
    ]


@plotly_figure.register
def _bars(chart: BarChart) -> dict:
    groups = [plain_text(group) for group in chart.groups]
    places, width = chart.places()
    data = [
        {
            'type': 'bar',
            'name': plain_text(bars.name),
            'x': x,
            'y': numbers(bars.values),
            'width': width * 0.96,
            'customdata': groups,
            'marker': {'color': bars.colour, 'pattern': STRIPES if bars.hatched else {}},
            'hovertemplate': '%{customdata}: %{y:.2f}',
            **_whiskers(bars),
        }
        for bars, x in zip(chart.series, places, strict=True)
    ]
    data += [_bar_marks(bars, x) for bars, x in zip(chart.series, places, strict=True) if any(bars.marks)]
    if chart.means:
        data.append(_means(chart.means))
    ticks = {'tickvals': list(range(len(groups))), 'ticktext': groups, 'range': [-0.6, len(groups) - 0.4]}
    axes = {'xaxis': AXIS | ticks, 'yaxis': AXIS | {'rangemode': 'tozero'}}
    return figure(data, 340, barmode='overlay', showlegend=True, **axes)


def _whiskers(bars: Bars) -> dict:
    if not bars.intervals:
        return {}
    below, above = bars.whiskers()
    reach = {'symmetric': False, 'arrayminus': below, 'array': above}
    return {'error_y': {'type': 'data', 'color': TEXT, 'thickness': 1, 'width': 3, **reach}}


def _bar_marks(bars: Bars, x: Sequence[float]) -> dict:
    """What is written above the bars, and above their whiskers."""
    return {
        'type': 'scatter',
        'mode': 'text',
        'name': '',
        'showlegend': False,
        'hoverinfo': 'skip',
        'x': x,
        'y': numbers(bars.tops()),
        'text': list(bars.marks),
        'textposition': 'top center',
        'cliponaxis': False,
    }


def _means(means: Sequence[tuple[float, float]]) -> dict:
    deviations = numbers([deviation for _, deviation in means])
    spread = ['' if deviation is None else f' ± {deviation:.2f}' for deviation in deviations]
    text = [f'{mean:.2f}{one}' for (mean, _), one in zip(means, spread, strict=True)]
    return {
        'type': 'scatter',
        'mode': 'markers',
        'name': 'mean',
        'showlegend': False,
        'x': list(range(len(means))),
        'y': numbers([mean for mean, _ in means]),
        'error_y': {'type': 'data', 'array': [d or 0 for d in deviations], 'color': '#000000', 'width': 6},
        'marker': {'color': '#000000', 'symbol': 'line-ew-open', 'size': 16, 'line': {'width': 2}},
        'text': text,
        'hovertemplate': '%{text}',
    }


@plotly_figure.register
def _scatter(chart: Scatter) -> dict:
    names = [plain_text(label) for label, *_ in chart.points]
    points = {
        'type': 'scatter',
        'mode': 'markers+text',
        'x': [x for _, x, _, _ in chart.points],
        'y': numbers([y for _, _, y, _ in chart.points]),
        'text': names,
        'textposition': [LABEL_PLACES[i % 2] for i in range(len(names))],
        'textfont': {'size': 11},
        'cliponaxis': False,
        'marker': {
            'color': [colour for *_, colour in chart.points],
            'size': 11,
            'line': {'color': '#333333', 'width': 1},
        },
        'hovertemplate': '%{text}: %{x:.3g} % of the pixels, IoU %{y:.2f}<extra></extra>',
        'name': '',
    }
    ticks = {'tickvals': chart.ticks(), 'ticktext': [f'{tick:g}' for tick in chart.ticks()]}
    x_axis = AXIS | {'type': 'log', 'title': {'text': chart.x_title}} | ticks
    return figure([points], 420, min_width=560, xaxis=x_axis, yaxis=AXIS | {'title': {'text': chart.y_title}})
