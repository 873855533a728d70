"""What has a row a class, as Plotly figures."""

import math

from mmseg_custom.reports.charts.kinds import SHADES, ClassBars, ClassDots, Matrix
from mmseg_custom.reports.drawing.plotly_base import AXIS, figure, numbers, plain_text, plotly_figure


@plotly_figure.register
def _class_bars(chart: ClassBars) -> dict:
    bars = {
        'type': 'bar',
        'orientation': 'h',
        'y': [plain_text(name) for name in chart.classes],
        'x': numbers(chart.values),
        'text': ['' if math.isnan(value) else f'{value:.1f}' for value in chart.values],
        'textposition': 'outside',
        'cliponaxis': False,
        'marker': {'color': list(chart.colours), 'line': {'color': '#444444', 'width': 0.5}},
        'hovertemplate': '%{y}: %{x:.2f}',
        'name': 'IoU',
    }
    return figure([bars], 90 + 24 * len(chart.classes), **_class_axes())


def _class_axes() -> dict:
    return {
        'xaxis': AXIS | {'range': [0, 105], 'title': {'text': 'IoU in %'}},
        'yaxis': AXIS | {'type': 'category', 'autorange': 'reversed', 'dtick': 1, 'ticksuffix': ' '},
    }


@plotly_figure.register
def _class_dots(chart: ClassDots) -> dict:
    symbols = ('circle', 'diamond', 'square', 'triangle-up', 'x', 'cross')
    data = [
        {
            'type': 'scatter',
            'mode': 'markers',
            'name': plain_text(name),
            'y': [plain_text(one) for one in chart.classes],
            'x': numbers(values),
            'marker': {'color': colour, 'size': 9, 'symbol': symbols[i % len(symbols)], 'opacity': 0.85},
            'hovertemplate': '%{y}: %{x:.2f}',
        }
        for i, (name, colour, values) in enumerate(chart.series)
    ]
    legend = {'orientation': 'h', 'y': 1.01, 'yanchor': 'bottom', 'x': 0}
    return figure(data, 130 + 24 * len(chart.classes), legend=legend, showlegend=True, **_class_axes())


@plotly_figure.register
def _matrix(chart: Matrix) -> dict:
    layers = [
        {
            'type': 'heatmap',
            'name': layer.name,
            'x': [plain_text(name) for name in chart.columns],
            'y': [plain_text(name) for name in chart.rows],
            'z': [numbers(row) for row in layer.shades],
            'text': [list(row) for row in layer.texts],
            'texttemplate': '%{text}',
            'textfont': {'size': 10},
            'colorscale': [[place, colour] for place, colour in SHADES],
            'zmin': 0,
            'zmax': 1,
            'showscale': False,
            'xgap': 1,
            'ygap': 1,
            'visible': i == 0,
            'hovertemplate': '%{y} → %{x}: %{text}<extra></extra>',
        }
        for i, layer in enumerate(chart.layers)
    ]
    width = 150 + 30 * len(chart.columns)
    turned = {'tickangle': -45} if len(chart.layers) > 1 else {}
    category = AXIS | {'type': 'category', 'dtick': 1}
    axes = {
        'xaxis': category | {'side': 'top', 'title': {'text': chart.column_title, 'standoff': 14}} | turned,
        'yaxis': category | {'autorange': 'reversed', 'title': {'text': chart.row_title, 'standoff': 14}},
    }
    return figure(layers, 150 + 27 * len(chart.rows), min_width=width, **axes)
