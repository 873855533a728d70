"""What people look at; reads only what others wrote."""

from mmseg_custom.reports.augmentation_sheet import browse_augmentations
from mmseg_custom.reports.findings.recipe_table import recipe_table
from mmseg_custom.reports.findings.repeats import read_repeats, repeats_table
from mmseg_custom.reports.report import report_line, write_report

__all__ = [
    'browse_augmentations',
    'read_repeats',
    'recipe_table',
    'repeats_table',
    'report_line',
    'write_report',
]
