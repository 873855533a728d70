"""A file backend of the host that writes atomically."""

from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from mmseg_custom.engine.files import write_bytes


class AtomicBackend(LocalBackend):
    """The host's local files, except that a file is replaced as a whole; ``backend_args=dict(backend='atomic')``."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes to ``filepath`` atomically."""
        write_bytes(obj, filepath)


register_backend('atomic', AtomicBackend)
