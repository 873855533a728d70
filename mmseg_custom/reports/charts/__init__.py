"""What every figure shows, said once, without a plotting library."""

from mmseg_custom.reports.charts.examination_charts import examination_charts
from mmseg_custom.reports.charts.kinds import Chart
from mmseg_custom.reports.charts.recipe_charts import recipe_charts

__all__ = ['Chart', 'examination_charts', 'recipe_charts']
