"""What a data loader's lost worker means, said in one message."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from mmseg_custom.errors import UserError

# PyTorch raises a bare RuntimeError with one of these texts.
CAUGHT = re.compile(r'Caught \w+ in DataLoader worker process \d+\.')
LOST = re.compile(r'DataLoader worker \(pid(?:\(s\))? [\d, ]+\) (?:is killed by signal: [\w ]+|exited unexpectedly)')


class LoaderError(UserError, RuntimeError):
    """A worker of a data loader that has died; the message says what to do."""


@contextmanager
def lost_workers_explained() -> Iterator[None]:
    """Turn the end of a data loader's worker, or what PyTorch makes of its error, into a message; also a decorator.

    Raises:
        LoaderError: If the block ends because a worker died.
        UserError: If a worker raised one, without the traceback that PyTorch puts around it.
    """
    try:
        yield
    except UserError as error:
        if not CAUGHT.match(str(error)):
            raise
        said = str(error).rstrip().rpartition(f'{type(error).__name__}: ')[2]
        raise LoaderError(said) from error
    except RuntimeError as error:
        lost = LOST.search(str(error))
        if lost is None or isinstance(error, UserError):
            raise
        raise LoaderError(
            f'{lost.group().strip()}. A worker process is mostly killed for want of memory, or of shared memory '
            '(/dev/shm; in a container --shm-size or --ipc=host). Lower num_workers of the loaders (0 needs none), '
            'then start the same command again (train.py with --resume): what was saved is intact.'
        ) from error
