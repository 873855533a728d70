"""What was found in the folders of a recipe: ledgers, numbers derived from them, and the winner run once over val."""

from mmseg_custom.reports.findings.examination import Examination, examine_winner
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, ReportError, read_recipe
from mmseg_custom.reports.findings.recipe_table import recipe_table

__all__ = ['Examination', 'RecipeRecord', 'ReportError', 'examine_winner', 'read_recipe', 'recipe_table']
