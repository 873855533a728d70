"""The curves of a recipe in one picture: losses and score of every run over all stages."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from mmseg_custom.io.files import atomic_path
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.reports.charts.recipe_charts import curve_chart
from mmseg_custom.reports.drawing.matplotlib_figures import draw_lines
from mmseg_custom.reports.findings.recipe_record import read_recipe

PANELS = ('train_loss', 'val_loss', 'mIoU')


def draw_curves(ledgers: Mapping[int, StageLedger], path: Path) -> Path:
    """Draw training loss, validation loss and mIoU against the epoch.

    A line is a fold on its own validation part, a star a stage's winner on the official val split.

    Args:
        ledgers: By stage number; of one recipe.
        path: The PNG to write.

    Returns:
        ``path``.
    """
    recipe = read_recipe(next(iter(ledgers.values())).folder.parent)
    figure = Figure(figsize=(12, 4.2), layout='constrained')
    for key, axes in zip(PANELS, figure.subplots(1, len(PANELS)), strict=True):
        draw_lines(axes, curve_chart(recipe, key))
    figure.legend(*axes.get_legend_handles_labels(), loc='outside right upper', fontsize='small', frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format='png', dpi=130)
    return path
