"""Figures as PNG and SVG files, and the script that draws them in a page."""

import io
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import altair as alt
import matplotlib
import vl_convert
from PIL import Image

from mmseg_custom.io.files import write_bytes
from mmseg_custom.reports.charts.figure import Figure
from mmseg_custom.reports.findings.sample_images import data_uri, few_colours

SCALE = 2  # pixels of a PNG a unit of its SVG: sharp on today's screens
VEGA_LITE = '.'.join(alt.SCHEMA_VERSION.removeprefix('v').split('.')[:2])
PALETTE_SIZE = 64
# What the page calls; the bundle leaves out what nothing refers to.
ENTRY = 'window.vegaEmbed = vegaEmbed;'


class Picture(NamedTuple):
    """A picture for the page: data URI, and the height in pixels at which its letters have their size."""

    uri: str
    height: int


def write_figures(figures: Sequence[Figure], folder: Path) -> dict[str, list[Picture]]:
    """Write every view of every figure as PNG and SVG; equal figures give equal files.

    Returns:
        The pictures for a page by the name of the figure.
    """
    return {
        figure.name: [_picture(write_picture(view, folder / name)) for name, view in figure.files.items()]
        for figure in figures
    }


def write_picture(view: Mapping[str, Any], stem: Path, colours: int | None = PALETTE_SIZE) -> bytes:
    """Write a description as ``stem.png`` and ``stem.svg``, as :func:`render` draws it; returns the PNG."""
    svg, png = render(view, colours)
    for kind, content in (('svg', svg.encode()), ('png', png)):
        write_bytes(content, stem.with_name(f'{stem.name}.{kind}'))
    return png


def render(view: Mapping[str, Any], colours: int | None = PALETTE_SIZE) -> tuple[str, bytes]:
    """Draw a description in Vega-Lite.

    Args:
        view: The description.
        colours: Of the PNG, which takes a third of its size then; ``None`` for as many as there are.

    Returns:
        SVG and PNG.
    """
    _register_font()
    svg = vl_convert.vegalite_to_svg(dict(view), vl_version=VEGA_LITE)
    png = vl_convert.svg_to_png(svg, scale=SCALE)
    return svg, few_colours(png, colours) if colours else png


def _picture(png: bytes) -> Picture:
    return Picture(data_uri(png, 'png'), Image.open(io.BytesIO(png)).height // SCALE)


@cache
def page_script() -> str:
    """Vega and Vega-Lite as one script that needs no network."""
    return vl_convert.javascript_bundle(ENTRY, vl_version=VEGA_LITE)


@cache
def _register_font() -> None:
    """Let the files have one font everywhere: the one that Matplotlib, which MMEngine needs, brings along."""
    vl_convert.register_font_directory(str(Path(matplotlib.get_data_path()) / 'fonts' / 'ttf'))
