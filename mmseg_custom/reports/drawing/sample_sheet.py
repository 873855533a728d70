"""The samples as one figure, for the files."""

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mmseg_custom.reports.drawing.matplotlib_figures import literal
from mmseg_custom.reports.findings.examination import Examination
from mmseg_custom.reports.findings.sample_images import pixels

COLUMNS = ('image', 'truth', 'prediction', 'errors')


def sample_sheet(found: Examination) -> Figure:
    """Draw image, truth, prediction and errors of the best images, then of the worst, with the classes' colours."""
    rows = [(kind, sample) for kind in ('best', 'worst') for sample in getattr(found, kind)]
    height, width = pixels(rows[0][1].image).shape[:2]
    legend = 0.25 * (2 + len(found.classes) // 6)
    figure = Figure(figsize=(12, len(rows) * (3 * height / width + 0.3) + legend), layout='constrained')
    grid = figure.subplots(len(rows), len(COLUMNS), squeeze=False)
    for line, (kind, sample) in zip(grid, rows, strict=True):
        for axes, column in zip(line, COLUMNS, strict=True):
            axes.imshow(pixels(getattr(sample, column)))
            axes.axis('off')
            axes.set_title('' if column == 'image' else column, fontsize=9, loc='right')
        line[0].set_title(f'{kind}: {literal(sample.name)}, {sample.score:.1f} mIoU', fontsize=9, loc='left')
    patches = [
        Patch(facecolor=[part / 255 for part in colour], edgecolor='0.4', label=literal(name))
        for name, colour in zip(found.classes, found.palette, strict=False)
    ]
    figure.legend(handles=patches, loc='outside lower center', ncols=6, fontsize='small', frameon=False)
    return figure
