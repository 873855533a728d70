"""What a figure shows, said once: the page and the files draw the same descriptions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

# Okabe and Ito, https://jfly.uni-koeln.de/color/: told apart by colour-blind readers, dark enough on white.
SERIES = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#555555')
ACCENT, CALM, TEXT, FAINT = '#D55E00', '#0072B2', '#1a1a1a', '#c8ccd0'
SHADES = ((0.0, '#ffffff'), (0.5, '#6baed6'), (1.0, '#08306b'))
# Background and border of a box.
BOX_COLOURS = {'plain': ('#ffffff', '#8a9099'), 'winner': ('#fff1e6', ACCENT), 'missing': ('#f1f2f4', FAINT)}
WHY_SEEN = 'the weights were trained on these images in an earlier stage, so the score is optimistically biased.'
# A logarithmic axis over as many decades or more has numbers at powers of ten alone.
DENSE_DECADES = 3

Values = Sequence[float]
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What every figure has: a name for its files, a title, and a sentence on how to read it."""

    name: str
    title: str
    caption: str


@dataclass(frozen=True)
class Line:
    """A line through points (x, y), NaN leaves a gap; around it a band, the lower and upper end at every point."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False
    band: Sequence[Interval] = ()


@dataclass(frozen=True, kw_only=True)
class LineChart(Chart):
    """Lines, as a rule over the epochs of all stages.

    Attributes:
        x_title: What the lines go over.
        stages: First epoch and name of every stage.
        restarts: Epochs at which the learning rate starts anew.
        stars: Epoch and value of every winner.
    """

    lines: Sequence[Line]
    x_title: str = 'epoch'
    stages: Sequence[tuple[float, str]] = ()
    restarts: Values = ()
    stars: Sequence[tuple[float, float]] = ()
    log: bool = False


@dataclass(frozen=True)
class Bars:
    """A bar a group, NaN for none.

    Attributes:
        marks: Written above (a star, say).
        hatched: Whether they are striped.
        intervals: Lower and upper end of a whisker a bar, NaN for none.
    """

    name: str
    colour: str
    values: Values
    marks: Sequence[str]
    hatched: bool = False
    intervals: Sequence[Interval] = ()

    def tops(self) -> list[float]:
        """The upper end of every bar, its whisker included."""
        ends = [high for _, high in self.intervals] or [math.nan] * len(self.values)
        return [value if math.isnan(end) else end for value, end in zip(self.values, ends, strict=True)]

    def whiskers(self) -> list[list[float]]:
        """How far the whiskers reach below and above the bars, 0 for none."""
        pairs = list(zip(self.values, self.intervals, strict=True))
        reaches = [[value - low for value, (low, _) in pairs], [high - value for value, (_, high) in pairs]]
        return [[0.0 if math.isnan(reach) else reach for reach in side] for side in reaches]


@dataclass(frozen=True, kw_only=True)
class BarChart(Chart):
    """Bars in groups, with an optional mean and deviation a group."""

    groups: Sequence[str]
    series: Sequence[Bars]
    means: Sequence[tuple[float, float]] = ()

    def places(self) -> tuple[list[list[float]], float]:
        """Where the bars of each series stand, group i around i and only those that are there, and their width."""
        present = [[math.isfinite(bars.values[i]) for bars in self.series] for i in range(len(self.groups))]
        width = 0.84 / max(1, *(sum(group) for group in present))
        return [
            [i + width * (sum(group[:k]) - (sum(group) - 1) / 2) for i, group in enumerate(present)]
            for k in range(len(self.series))
        ], width


@dataclass(frozen=True, kw_only=True)
class ClassBars(Chart):
    """A bar a class, in the colour of the class."""

    classes: Sequence[str]
    values: Values
    colours: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class ClassDots(Chart):
    """Several values a class, one above the other: name, colour and values of each series."""

    classes: Sequence[str]
    series: Sequence[tuple[str, str, Values]]


@dataclass(frozen=True)
class Layer:
    """One reading of a matrix: the shade (0 to 1) and the text of every cell."""

    name: str
    shades: Sequence[Values]
    texts: Sequence[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Matrix(Chart):
    """Shaded cells with their numbers; where there are several layers, the reader chooses one."""

    rows: Sequence[str]
    columns: Sequence[str]
    row_title: str
    column_title: str
    layers: Sequence[Layer]


@dataclass(frozen=True, kw_only=True)
class Scatter(Chart):
    """Named points (label, x, y, colour) over a logarithmic axis."""

    points: Sequence[tuple[str, float, float, str]]
    x_title: str
    y_title: str

    def ticks(self) -> list[float]:
        """Where the logarithmic axis has its numbers: at powers of ten; over fewer decades between them, too."""
        logarithms = [math.log10(x) for _, x, _, _ in self.points] or [0.0]
        first, last = min(logarithms), max(logarithms)
        steps = range(1, 10) if last - first < 1 else (1, 2, 5) if last - first < DENSE_DECADES else (1,)
        return [step * 10.0**power for power in range(math.floor(first), math.floor(last) + 2) for step in steps]


@dataclass(frozen=True)
class Box:
    """A box of the diagram at column ``x`` and row ``y``, with its lines of text and what a reader sees on touch."""

    x: float
    y: float
    lines: Sequence[str]
    details: Sequence[str] = ()
    kind: str = 'plain'


@dataclass(frozen=True, kw_only=True)
class Diagram(Chart):
    """Boxes and the links (x, y, x, y, whether strong) between them; rows grow downwards."""

    boxes: Sequence[Box]
    links: Sequence[tuple[float, float, float, float, bool]]
    columns: int
    rows: float
    headings: Sequence[tuple[float, str]] = field(default=())
