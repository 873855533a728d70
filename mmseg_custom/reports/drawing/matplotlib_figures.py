"""Charts as Matplotlib figures, for the files and for print."""

import math
from collections.abc import Sequence
from functools import singledispatch

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, StrMethodFormatter

from mmseg_custom.reports.charts.kinds import (
    ACCENT,
    BOX_COLOURS,
    SHADES,
    TEXT,
    BarChart,
    Chart,
    ClassBars,
    ClassDots,
    Diagram,
    LineChart,
    Matrix,
    Scatter,
)

COLOUR_MAP = LinearSegmentedColormap.from_list('shades', list(SHADES))
LINK, LABEL = '#b3b8be', '#555c63'


@singledispatch
def draw(chart: Chart) -> dict[str, Figure]:
    """A chart as figures by file name: one, or one a layer of a matrix."""
    raise TypeError(f'{type(chart).__name__} has no drawing.')


def literal(text: str) -> str:
    """Text that Matplotlib shows as it is: between dollars it would read mathematics."""
    return text.replace('$', r'\$')


def _axes(chart: Chart, width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout='constrained')
    axes = figure.subplots()
    axes.set_title(literal(chart.title), loc='left', fontsize='medium')
    axes.spines[['top', 'right']].set_visible(False)
    return figure, axes


@draw.register
def _lines(chart: LineChart) -> dict[str, Figure]:
    figure, axes = _axes(chart, 9, 3.8)
    draw_lines(axes, chart)
    figure.legend(loc='outside right upper', fontsize='small', frameon=False)
    return {chart.name: figure}


def draw_lines(axes: Axes, chart: LineChart) -> None:
    """Draw lines, stages, restarts and winners into given axes."""
    for line in chart.lines:
        style = '--' if line.dashed else '-'
        label = None if line.name in axes.get_legend_handles_labels()[1] else line.name
        axes.plot(*zip(*line.points, strict=True), style, color=line.colour, lw=1.2, marker='.', ms=4, label=label)
        if line.band:
            axes.fill_between(
                [x for x, _ in line.points], *np.array(line.band).T, color=line.colour, alpha=0.15, lw=0
            )
    _draw_stages(axes, chart.stages, chart.restarts)
    if chart.stars:
        axes.plot(*zip(*chart.stars, strict=True), 'k*', ms=10, label='winner, on val')
    axes.set_title(literal(chart.title), loc='left', fontsize='medium')
    axes.set(xlabel=chart.x_title, yscale='log' if chart.log else 'linear')
    axes.xaxis.set_major_locator(MaxNLocator(integer=bool(chart.stages), steps=[1, 2, 5, 10]))
    axes.grid(alpha=0.3)


def _draw_stages(axes: Axes, stages: Sequence[tuple[float, str]], restarts: Sequence[float]) -> None:
    for x, name in stages:
        axes.axvline(x, color='0.7', linewidth=0.9, zorder=0)
        place = {'xytext': (2, -9), 'textcoords': 'offset points'}
        axes.annotate(literal(name), (x, 1), xycoords=('data', 'axes fraction'), fontsize=8, color=LABEL, **place)
    for x in restarts:
        axes.axvline(x, color=ACCENT, linewidth=0.9, linestyle=':', zorder=0)


@draw.register
def _bars(chart: BarChart) -> dict[str, Figure]:
    figure, axes = _axes(chart, max(7.5, 1.5 * len(chart.groups)), 3.8)
    places, width = chart.places()
    for bars, x in zip(chart.series, places, strict=True):
        style = {'hatch': '///', 'edgecolor': 'white', 'linewidth': 0} if bars.hatched else {}
        if bars.intervals:
            style |= {'yerr': bars.whiskers(), 'error_kw': {'elinewidth': 1, 'capsize': 3, 'ecolor': TEXT}}
        drawn = axes.bar(x, bars.values, width * 0.95, color=bars.colour, label=literal(bars.name), **style)
        axes.bar_label(drawn, bars.marks, fontsize=9)
    if chart.means:
        mean, deviation = np.array(chart.means).T
        whiskers = {'yerr': np.nan_to_num(deviation), 'capsize': 5, 'label': 'mean ± deviation'}
        axes.errorbar(range(len(mean)), mean, fmt='_', color='black', ms=14, **whiskers)
    axes.set_xticks(range(len(chart.groups)), [literal(group) for group in chart.groups])
    axes.grid(alpha=0.3, axis='y')
    axes.set_axisbelow(True)
    figure.legend(loc='outside right upper', fontsize='small', frameon=False)
    return {chart.name: figure}


@draw.register
def _class_bars(chart: ClassBars) -> dict[str, Figure]:
    figure, axes = _class_axes(chart, chart.classes)
    values = np.nan_to_num(chart.values)
    drawn = axes.barh(np.arange(len(values)), values, color=chart.colours, edgecolor='0.3', linewidth=0.5)
    axes.bar_label(drawn, ['' if math.isnan(v) else f'{v:.1f}' for v in chart.values], fontsize=8, padding=3)
    return {chart.name: figure}


@draw.register
def _class_dots(chart: ClassDots) -> dict[str, Figure]:
    figure, axes = _class_axes(chart, chart.classes)
    for i, (name, colour, values) in enumerate(chart.series):
        places = np.arange(len(values))
        axes.plot(values, places, 'oDs^Xv'[i % 6], color=colour, alpha=0.85, ms=6, label=literal(name))
    figure.legend(loc='outside right upper', fontsize='small', frameon=False)
    return {chart.name: figure}


def _class_axes(chart: Chart, classes: Sequence[str]) -> tuple[Figure, Axes]:
    figure, axes = _axes(chart, 8, 1.3 + 0.24 * len(classes))
    axes.set_yticks(np.arange(len(classes)), [literal(name) for name in classes], fontsize=9)
    axes.set(xlim=(0, 105), ylim=(len(classes) - 0.4, -0.6), xlabel='IoU in %')
    axes.grid(alpha=0.3, axis='x')
    axes.set_axisbelow(True)
    return figure, axes


@draw.register
def _matrix(chart: Matrix) -> dict[str, Figure]:
    if len(chart.layers) == 1:
        return {chart.name: _layer(chart, 0)}
    names = [layer.name.replace('-', '_') for layer in chart.layers]
    return {f'{chart.name}_{name}': _layer(chart, i) for i, name in enumerate(names)}


def _layer(chart: Matrix, index: int) -> Figure:
    layer = chart.layers[index]
    width, height = 2.2 + 0.38 * len(chart.columns), 2.0 + 0.32 * len(chart.rows)
    figure, axes = _axes(chart, max(5, width), height)
    title = chart.title if len(chart.layers) == 1 else f'{chart.title}, {layer.name}'
    axes.set_title(literal(title), loc='left', fontsize='medium')
    axes.imshow(np.array(layer.shades, dtype=float), cmap=COLOUR_MAP, vmin=0, vmax=1, aspect='auto')
    turned = {'rotation': 45, 'ha': 'right', 'rotation_mode': 'anchor'} if len(chart.layers) > 1 else {}
    axes.set_xticks(range(len(chart.columns)), [literal(name) for name in chart.columns], fontsize=8, **turned)
    axes.set_yticks(range(len(chart.rows)), [literal(name) for name in chart.rows], fontsize=8)
    axes.set(xlabel=chart.column_title, ylabel=chart.row_title)
    for y, row in enumerate(layer.texts):
        for x, text in enumerate(row):
            colour = 'white' if layer.shades[y][x] > 0.55 else 'black'
            axes.text(x, y, text, ha='center', va='center', fontsize=7, color=colour)
    return figure


@draw.register
def _scatter(chart: Scatter) -> dict[str, Figure]:
    figure, axes = _axes(chart, 8, 4.6)
    for i, (label, x, y, colour) in enumerate(chart.points):
        axes.plot([x], [y], 'o', color=colour, markeredgecolor='0.2', ms=8)
        place = {'xytext': (0, (6, -13)[i % 2]), 'textcoords': 'offset points', 'ha': 'center'}
        axes.annotate(literal(label), (x, y), fontsize=8, **place)
    axes.set(xlabel=chart.x_title, ylabel=chart.y_title, xscale='log')
    axes.xaxis.set_major_locator(FixedLocator(chart.ticks()))
    axes.xaxis.set_major_formatter(StrMethodFormatter('{x:g}'))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(0.08)
    axes.grid(alpha=0.3)
    return {chart.name: figure}


@draw.register
def _diagram(chart: Diagram) -> dict[str, Figure]:
    figure, axes = _axes(chart, max(6.5, 1.25 * chart.columns), 0.62 * (chart.rows + 2))
    for x0, y0, x1, y1, strong in sorted(chart.links, key=lambda link: link[-1]):
        axes.plot([x0, x1], [y0, y1], color=ACCENT if strong else LINK, lw=1.8 if strong else 0.9, zorder=1 + strong)
    for box in chart.boxes:
        background, border = BOX_COLOURS[box.kind]
        style = {'boxstyle': 'round,pad=0.35', 'facecolor': background, 'edgecolor': border}
        text = '\n'.join(literal(line) for line in box.lines)
        axes.text(box.x, box.y, text, ha='center', va='center', fontsize=8, bbox=style, zorder=3)
    for y, heading in chart.headings:
        white = {'facecolor': 'white', 'edgecolor': 'none', 'pad': 1}
        axes.text(0.02, y, literal(heading), fontsize=8, fontweight='bold', va='center', bbox=white, zorder=3)
    axes.set(xlim=(0, chart.columns), ylim=(chart.rows, -1.2))
    axes.axis('off')
    return {chart.name: figure}
