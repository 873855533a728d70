"""What a hook has to know of the runner before it acts."""

from mmengine.runner import Runner


def is_training(runner: Runner) -> bool:
    """Whether the runner trains; the host calls the same hooks when it only validates or tests."""
    return runner._train_loop is not None and not isinstance(runner._train_loop, dict)
