"""A file backend of MMEngine that writes atomically."""

import shutil
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from mmseg_custom.io.files import PathLike, atomic_path, write_bytes


class AtomicBackend(LocalBackend):
    """MMEngine's local files, except that a file is replaced as a whole; ``backend_args=dict(backend='atomic')``.

    So is what ``mmengine.dump`` writes, and every copy; a folder is copied file by file.
    """

    def put(self, obj: bytes, filepath: PathLike) -> None:
        """Write bytes to ``filepath`` atomically."""
        write_bytes(obj, filepath)

    def put_text(self, obj: str, filepath: PathLike, encoding: str = 'utf-8') -> None:
        """Write text to ``filepath`` atomically."""
        write_bytes(obj.encode(encoding), filepath)

    def copyfile(self, src: PathLike, dst: PathLike) -> PathLike:
        """Copy ``src`` to ``dst``, or into it if it is a folder; all of MMEngine's ways to copy a file come here."""
        target = Path(dst, Path(src).name) if Path(dst).is_dir() else Path(dst)
        if target.exists() and target.samefile(src):
            raise shutil.SameFileError(f'{src!r} and {dst!r} are the same file')
        with atomic_path(target) as temporary:
            shutil.copy(src, temporary)
        return type(dst)(target)

    def copytree(self, src: PathLike, dst: PathLike) -> PathLike:
        """Copy a folder to ``dst``, which must not exist yet; all of MMEngine's ways to copy a folder come here."""
        return type(dst)(shutil.copytree(str(src), str(dst), copy_function=self.copyfile))


register_backend('atomic', AtomicBackend)
