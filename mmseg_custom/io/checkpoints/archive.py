"""What a checkpoint file may hold: looked through before anything in it is unpickled."""

from pathlib import Path, PurePosixPath
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from mmseg_custom.io.checkpoints.pickle_check import ArchiveError, check_pickle
from mmseg_custom.io.files import PathLike

# MMEngine keeps up to a million values of everything it logs in the header of each checkpoint. More is no header:
# it is read into memory before anything is known of the file.
MAX_HEADER_BYTES = 512 * 2**20


def check_archive(path: PathLike) -> bool:
    """Look through a file of :func:`torch.save` without running or unpacking anything in it.

    Every record is compared with its checksum (CRC-32), which PyTorch writes but does not look at.

    Returns:
        Whether it needs :mod:`~mmseg_custom.io.checkpoints.stand_ins`.

    Raises:
        ArchiveError: If there is anything but the records of tensors and plain data, or one is damaged.
        Exception: Of any type, if the file is no archive: the reader of zip files raises a dozen of them.
    """
    with Path(path).open('rb') as file:
        if file.read(2) != b'PK':
            raise ArchiveError(
                'it is not of the format that PyTorch writes since 1.6. An older file that loads can be written '
                'anew: torch.save(torch.load(old, weights_only=True), new)'
            )
    with ZipFile(path) as archive:
        records = _records(archive)
        if sum(record.file_size for record in records.values()) > Path(path).stat().st_size:
            raise ArchiveError('its records are larger than the file')
        if records['data.pkl'].file_size > MAX_HEADER_BYTES:
            raise ArchiveError(f'its header is larger than {MAX_HEADER_BYTES >> 20} MiB')
        damaged = archive.testzip()
        if damaged is not None:
            raise ArchiveError(f'the checksum of {damaged} is wrong')
        sizes = {name.removeprefix('data/'): record.file_size for name, record in records.items()}
        return check_pickle(archive.read(records['data.pkl']), sizes)


def is_whole(path: Path) -> bool:
    """Whether a file just written reads back, by the checksums alone; a tenth of the time of loading it."""
    try:
        with ZipFile(path) as archive:
            return archive.testzip() is None
    except Exception:  # The reader of zip files raises a dozen types.
        return False


def _records(archive: ZipFile) -> dict[str, ZipInfo]:
    """The records by their names below the archive's one folder."""
    records = {}
    for record in archive.infolist():
        folder, _, name = record.filename.partition('/')
        if '..' in PurePosixPath(record.filename).parts or not folder or not name:
            raise ArchiveError(f'it has a record named {record.filename!r}')
        if record.compress_type != ZIP_STORED or record.compress_size != record.file_size:
            raise ArchiveError(f'its record {record.filename} is compressed')
        if name in records:
            raise ArchiveError(f'it has two records named {name}')
        records[name] = record
    if 'data.pkl' not in records:
        raise ArchiveError('it has no record data.pkl')
    return records
