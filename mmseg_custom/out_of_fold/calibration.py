"""What the predictions out of fold say of the probabilities: their error, the temperature, the diagram."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg_custom.errors import UserError
from mmseg_custom.evaluation.calibration import TEMPERATURES, Bins, Calibration, CalibrationCounts, calibrate
from mmseg_custom.evaluation.kept_predictions import KeptPredictions
from mmseg_custom.io.files import read_json, write_json

CALIBRATION_FILE, FIGURE = 'calibration.json', 'reliability'


class CalibrationError(UserError, ValueError):
    """A temperature that is not known or cannot be used; the message says why."""


def calibrate_kept(kept: KeptPredictions, names: Sequence[str]) -> tuple[Calibration, int]:
    """The calibration of kept predictions, an image at a time.

    Returns:
        The calibration, and the number of images whose weights may have seen them.
    """
    by_fold: dict[str, CalibrationCounts] = {}
    seen = 0
    for name in names:
        record = kept.record(name)
        seen += record.seen
        before = by_fold.get(record.predicted_by)
        counts = kept.calibration(record)
        by_fold[record.predicted_by] = CalibrationCounts.total([before, counts]) if before else counts
    return calibrate(by_fold), seen


def write_calibration(found: Calibration, folder: Path) -> None:
    """Write ``calibration.json`` and the reliability diagram."""
    from mmseg_custom.reports.charts.reliability import reliability_view
    from mmseg_custom.reports.pictures import write_picture

    write_json(_as_data(found), folder / CALIBRATION_FILE)
    write_picture(reliability_view({'temperature 1': found.before, _named(found): found.after}), folder / FIGURE)


def calibration_text(found: Calibration, seen: int) -> str:
    """The calibration in words; marked where images were seen."""
    mark = '*' if seen else ''
    edge = (
        ' It is the end of what was looked at: the network is far from probabilities.'
        if found.temperature in (TEMPERATURES[0], TEMPERATURES[-1])
        else ''
    )
    return (
        f'Calibration: ECE {found.before.ece:.2f}{mark} %; with temperature {found.temperature:.2f} '
        f'{found.after.ece:.2f}{mark} % (each fold with that of the others); NLL {found.before.mean_nll:.3f}{mark} '
        f'to {found.after.mean_nll:.3f}{mark}.{edge}'
    )


def stored_temperature(folder: Path) -> float:
    """The temperature that was found for a folder of predictions.

    Raises:
        CalibrationError: If none was.
    """
    path = folder / CALIBRATION_FILE
    if not path.is_file():
        raise CalibrationError(f'{path} is not there: `mmseg-kfold out-of-fold` finds the temperature first.')
    content = read_json(path)
    found = content.get('temperature') if isinstance(content, Mapping) else None
    if not isinstance(found, float) or found <= 0:
        raise CalibrationError(f'{path} holds no temperature: delete it, and call `mmseg-kfold out-of-fold` again.')
    return found


def _named(found: Calibration) -> str:
    return f'temperature {found.temperature:.2f}'


def _as_data(found: Calibration) -> dict[str, Any]:
    return {
        'temperature': found.temperature,
        'of_folds': found.of_folds,
        'before': _bins_as_data(found.before),
        'after': _bins_as_data(found.after),
    }


def _bins_as_data(bins: Bins) -> dict[str, Any]:
    numbers = {'ece': bins.ece, 'nll': bins.mean_nll}
    return numbers | {key: getattr(bins, key).tolist() for key in ('pixels', 'right', 'confidence')}
