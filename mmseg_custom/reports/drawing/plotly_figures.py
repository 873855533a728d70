"""Every chart as a Plotly figure; importing the kinds registers them."""

from mmseg_custom.reports.drawing import plotly_classes, plotly_diagram, plotly_series
from mmseg_custom.reports.drawing.plotly_base import plotly_figure

__all__ = ['plotly_classes', 'plotly_diagram', 'plotly_figure', 'plotly_series']
