"""What people look at; reads only what others wrote."""

from mmseg_custom.reports.augmentation_sheet import browse_augmentations
from mmseg_custom.reports.curves import draw_curves
from mmseg_custom.reports.recipe_table import recipe_table

__all__ = ['browse_augmentations', 'draw_curves', 'recipe_table']
