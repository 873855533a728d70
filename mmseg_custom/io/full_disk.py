"""What MMEngine writes beside our files: logs, scalars, TensorBoard events, the config."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmseg_custom.errors import UserError
from mmseg_custom.io.files import PathLike, WriteError, explain_write_error

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


@contextmanager
def full_disk_explained(folder: PathLike) -> Iterator[None]:
    """Name the disk on which MMEngine found no space; it says neither file nor way out.

    Args:
        folder: Where it writes.

    Raises:
        WriteError: If the block ends because there is no disk space.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, UserError) or error.errno not in NO_ROOM:
            raise
        path = Path(error.filename or folder)
        raise WriteError(explain_write_error(path, path, error)) from error
