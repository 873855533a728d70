"""Charts drawn: with Matplotlib for the files and for print, with Plotly for the page."""

from mmseg_custom.reports.drawing.matplotlib_figures import draw
from mmseg_custom.reports.drawing.plotly_figures import plotly_figure
from mmseg_custom.reports.drawing.sample_sheet import sample_sheet

__all__ = ['draw', 'plotly_figure', 'sample_sheet']
