"""Boxes and links as a Plotly figure."""

from collections.abc import Sequence

from mmseg_custom.reports.charts.kinds import ACCENT, BOX_COLOURS, CALM, TEXT, Box, Diagram
from mmseg_custom.reports.drawing.plotly_base import figure, plain_text, plotly_figure


@plotly_figure.register
def _diagram(chart: Diagram) -> dict:
    strong = {'color': ACCENT, 'width': 2}
    data = [
        _link_trace([link for link in chart.links if link[-1] == kind], line)
        for kind, line in ((False, {'color': '#b3b8be', 'width': 1}), (True, strong))
    ]
    heading = {'x': 0.02, 'xanchor': 'left', 'showarrow': False, 'bgcolor': '#ffffff'}
    headings = [heading | {'y': y, 'text': f'<b>{plain_text(text)}</b>'} for y, text in chart.headings]
    hidden = {'visible': False, 'fixedrange': True}
    return figure(
        data,
        int(52 * (chart.rows + 1.6)),
        min_width=58 * chart.columns,
        annotations=[_box(box) for box in chart.boxes] + headings,
        xaxis=hidden | {'range': [0, chart.columns]},
        yaxis=hidden | {'range': [chart.rows, -1.2]},
        margin={'l': 0, 'r': 0, 't': 0, 'b': 0},
        showlegend=False,
    )


def _link_trace(links: Sequence[tuple], line: dict) -> dict:
    ends = [((x0, y0), (x1, y1), (None, None)) for x0, y0, x1, y1, _ in links]
    points = [point for link in ends for point in link]
    x, y = ([point[i] for point in points] for i in (0, 1))
    return {'type': 'scatter', 'mode': 'lines', 'x': x, 'y': y, 'line': line, 'hoverinfo': 'skip'}


def _box(box: Box) -> dict:
    background, border = BOX_COLOURS[box.kind]
    return {
        'x': box.x,
        'y': box.y,
        'text': '<br>'.join(plain_text(line) for line in box.lines),
        'hovertext': '<br>'.join(plain_text(line) for line in box.details),
        'showarrow': False,
        'bgcolor': background,
        'bordercolor': border,
        'borderwidth': 2 if box.kind == 'winner' else 1,
        'borderpad': 4,
        'font': {'size': 11, 'color': TEXT if box.kind != 'missing' else '#6b7178'},
        'hoverlabel': {'bgcolor': '#ffffff', 'font': {'color': TEXT}, 'bordercolor': CALM},
    }
