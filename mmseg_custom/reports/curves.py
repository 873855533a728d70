"""The curves of a recipe: loss and score of every fold over all stages."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmseg_custom.engine.files import atomic_path
from mmseg_custom.stages.ledger import Entry, StageLedger


def draw_curves(ledgers: Mapping[int, StageLedger], path: Path) -> Path:
    """Draw training loss, validation loss and mIoU against the epoch.

    A line is a fold on its own validation part, a star a stage's winner on the official val split.

    Args:
        ledgers: By stage number.
        path: The PNG to write.

    Returns:
        ``path``.
    """
    figure = Figure(figsize=(11, 4.2), layout='constrained')
    panels = dict(zip(('train_loss', 'val_loss', 'mIoU'), figure.subplots(1, 3), strict=True))
    start = 0
    for number, ledger in ledgers.items():
        entries = ledger.entries(ledger.finished_members())
        length = max((len(entry['history']) for entry in entries.values()), default=0)
        for key, axes in panels.items():
            _draw_stage(axes, key, start, number, entries)
        _mark_winner(panels['mIoU'], start + length, ledger)
        start += length
    for (key, axes), unit in zip(panels.items(), ('', '', ' in %'), strict=True):
        axes.set(xlabel='epoch', title=key.replace('_', ' ') + unit)
        axes.grid(alpha=0.3)
        axes.margins(x=0.08)
    panels['mIoU'].legend(loc='lower right', fontsize='small')
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format='png', dpi=130)
    return path


def _draw_stage(axes: Axes, key: str, start: int, number: int, entries: Mapping[str, Entry]) -> None:
    for position, (name, entry) in enumerate(entries.items()):
        epochs = [start + record['epoch'] for record in entry['history']]
        values = [record[key] for record in entry['history']]
        label = name if key == 'mIoU' and number == 2 else None
        axes.plot(epochs, values, color=f'C{position}', linewidth=1.2, marker='.', markersize=3, label=label)
    axes.axvline(start, color='0.8', linewidth=0.8, zorder=0)


def _mark_winner(axes: Axes, epoch: int, ledger: StageLedger) -> None:
    outcome = ledger.outcome()
    if outcome:
        score = outcome['candidates'][outcome['winner']]['val']['mIoU']
        label = None if 'winner, on val' in axes.get_legend_handles_labels()[1] else 'winner, on val'
        axes.plot([epoch], [score], marker='*', markersize=11, color='black', linestyle='none', label=label)
        axes.annotate(f'{score:.1f}', (epoch, score), xytext=(0, 7), textcoords='offset points', ha='center')
