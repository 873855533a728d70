"""The packages that the experiment trackers of a config need."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from mmseg_custom.preflight.trial_error import TrialError

# MMEngine imports them at the first step.
PACKAGES = {
    'TensorboardVisBackend': 'tensorboard',
    'WandbVisBackend': 'wandb',
    'MLflowVisBackend': 'mlflow',
    'ClearMLVisBackend': 'clearml',
    'NeptuneVisBackend': 'neptune',
    'DVCLiveVisBackend': 'dvclive',
    'AimVisBackend': 'aim',
}


def check_trackers(backends: Sequence[Mapping[str, Any]]) -> None:
    """See that the packages of a visualizer's backends are there.

    Raises:
        TrialError: If one is not, naming it.
    """
    for backend in backends:
        kind = backend.get('type')
        name = (kind if isinstance(kind, str) else getattr(kind, '__name__', '')).rpartition('.')[2]
        package = PACKAGES.get(name)
        if package and find_spec(package) is None:
            raise TrialError(
                f'visualizer.vis_backends: {name} needs the package {package}, which is not installed: pip install '
                f'{package}, or leave it out.'
            )
