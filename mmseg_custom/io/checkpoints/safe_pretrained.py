"""Initialising a model or a part of it from a checkpoint file."""

from mmengine.model import PretrainedInit, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from mmseg_custom.io.checkpoints.checkpoint_file import CheckpointError, load_weights


@WEIGHT_INITIALIZERS.register_module()
class SafePretrained(PretrainedInit):
    """MMEngine's ``Pretrained`` for local files, which unpickles nothing but tensors and plain data.

    ``init_cfg=dict(type='SafePretrained', checkpoint='winner.pth', prefix='backbone')``; arguments as MMEngine's.
    MMEngine's loader runs what is in a file: where safe loading fails, it loads the file the other way.
    """

    def __call__(self, module: nn.Module) -> None:
        """Load the weights into a module; what the file lacks is initialised as without it, and the log names it.

        Raises:
            CheckpointError: If the file cannot be used, or has no entry of a name and shape that the module has.
        """
        prefix = f'{self.prefix.rstrip(".")}.' if self.prefix else ''
        names = [f'{prefix}{key}' for key in module.state_dict()]
        weights = load_weights(self.checkpoint, names=names, whole=False)
        part = {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
        shapes = {key: value.shape for key, value in module.state_dict().items()}
        if not any(shapes.get(key) == value.shape for key, value in part.items()):
            raise CheckpointError(
                f'{self.checkpoint} has nothing for {type(module).__name__}: its entries are {list(weights)[:3]}: '
                f'set prefix to what precedes the names of its own (now {self.prefix!r}), depth and width as there.'
            )
        self._initialize_children(module)
        load_state_dict(module, part, strict=False, logger='current')
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=self._get_init_info())

    @staticmethod
    def _initialize_children(module: nn.Module) -> None:
        """The host initialises children last, over what was loaded, unless that is done already."""
        for child in module.children():
            initialize = getattr(child, 'init_weights', None)
            if initialize is not None and not getattr(child, 'is_init', False):
                initialize()
