"""What every figure is: a description in Vega-Lite that the page, the PNG and the SVG are drawn from."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

# Okabe and Ito, https://jfly.uni-koeln.de/color/: told apart by colour-blind readers, dark enough on white.
SERIES = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#555555')
ACCENT, TEXT, QUIET, FAINT = '#D55E00', '#1a1a1a', '#555c63', '#c8ccd0'
STAR = 'M0,-1L.225,-.309L.951,-.309L.363,.118L.588,.809L0,.382L-.588,.809L-.363,.118L-.951,-.309L-.225,-.309Z'
WHY_SEEN = (
    'the weights had already been trained on these images in an earlier stage, so the score is optimistically biased.'
)
WIDTH = 760  # of a file in pixels, axes not counted; the page gives its own
MARGIN = 26  # of a legend entry in pixels: symbol and gaps
OFFSET = 8  # pixels between a figure and its legend
LETTER = 7  # the mean width of a letter of 12 pixels
# The marks need no text for screen readers: the page has title, caption and tables.
CONFIG: dict[str, Any] = {
    'aria': False,
    'background': '#ffffff',
    'font': 'DejaVu Sans, system-ui, sans-serif',
    'view': {'stroke': None},
    'axis': {
        'domainColor': FAINT,
        'gridColor': '#e6e8eb',
        'labelColor': TEXT,
        'labelFlush': False,
        'labelFontSize': 12,
        'tickColor': FAINT,
        'titleColor': TEXT,
        'titleFontSize': 12,
        'titleFontWeight': 'normal',
    },
    'legend': {'labelColor': TEXT, 'labelFontSize': 12, 'labelLimit': 300, 'orient': 'top'},
    'text': {'color': TEXT, 'fontSize': 11},
}

Row = dict[str, Any]
Layers = alt.LayerChart | alt.Chart


def run_colour(name: str) -> str:
    """The colour of a run in every figure."""
    number = name.removeprefix('fold')
    return SERIES[(int(number) - 1) % (len(SERIES) - 1)] if number.isdigit() else SERIES[-1]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure of the report.

    Attributes:
        name: Of its files.
        title: What it shows.
        caption: A sentence on how to read it.
        views: Its readings by name, as Vega-Lite; where there are several, the reader chooses one.
        min_width: Pixels below which the page scrolls it.
    """

    name: str
    title: str
    caption: str
    views: Mapping[str, Mapping[str, Any]]
    min_width: int = 0

    @property
    def files(self) -> dict[str, Mapping[str, Any]]:
        """The views by the name of their files."""
        if len(self.views) == 1:
            return {self.name: next(iter(self.views.values()))}
        return {f'{self.name}_{view.replace("-", "_")}': spec for view, spec in self.views.items()}


def describe(chart: Layers, height: int, width: int = WIDTH) -> dict[str, Any]:
    """A chart as Vega-Lite.

    Args:
        chart: Of Altair.
        height: Pixels, axes not counted.
        width: The same, in a file; the page fits the figure into its column.
    """
    return chart.properties(height=height, width=width).configure(**CONFIG).to_dict(validate=False)


def table(rows: Iterable[Row]) -> alt.InlineData:
    """Rows as the data of a chart; JSON knows no NaN, so that a number which is not finite is null."""
    return alt.InlineData(values=[{key: _known(value) for key, value in row.items()} for row in rows])


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def shown_series(names: Sequence[str]) -> alt.Parameter:
    """Which of the series are shown: all at first; a press on a name in the legend hides or shows it."""
    every = [{'series': name} for name in names]
    return alt.selection_point('shown', fields=['series'], bind='legend', toggle='true', clear=False, value=every)


def series_scale(colours: Mapping[str, str]) -> alt.Scale:
    """The colours of series by their names, in this order."""
    return alt.Scale(domain=list(colours), range=list(colours.values()))


def series_legend(names: Collection[str], above: int = 0, **options: Any) -> alt.Legend:
    """A legend of as many columns as the figure has room for, as many pixels above it."""
    entry = MARGIN + LETTER * max(map(len, names), default=0)
    return alt.Legend(
        title=None, columns=alt.ExprRef(f'max(1, floor(width / {entry}))'), offset=OFFSET + above, **options
    )


def hover(*fields: tuple[str, str], numbers: str = '.2f') -> list[alt.Tooltip]:
    """What a pointer shows: name and title of each field; ``:Q`` marks a number."""
    return [
        alt.Tooltip(field, title=title, format=numbers) if field.endswith(':Q') else alt.Tooltip(field, title=title)
        for field, title in fields
    ]
