"""What every figure shows, described once in Vega-Lite; page, PNG and SVG are drawn from it."""

from mmseg_custom.reports.charts.candidate_charts import repeat_dots
from mmseg_custom.reports.charts.examination_charts import examination_charts
from mmseg_custom.reports.charts.figure import Figure
from mmseg_custom.reports.charts.recipe_charts import recipe_charts

__all__ = ['Figure', 'examination_charts', 'recipe_charts', 'repeat_dots']
