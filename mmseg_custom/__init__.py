"""Staged K-fold training of semantic segmentation for MMSegmentation, the folds fused into one model.

Importing the package registers its components; a config does so with ``custom_imports``.
"""

from mmseg_custom.stack import require_stack

__version__ = '0.1.0'

require_stack()

from mmseg_custom import (  # noqa: E402
    averaging,
    datasets,
    engine,
    evaluation,
    fusion,
    hooks,
    io,
    launchers,
    ledger,
    models,
    plan,
)

__all__ = [
    'averaging',
    'datasets',
    'engine',
    'evaluation',
    'fusion',
    'hooks',
    'io',
    'launchers',
    'ledger',
    'models',
    'plan',
]
