"""Files that are never half written, records with checksums, leases; no code in them is run."""

from mmseg_custom.io.atomic_backend import AtomicBackend

__all__ = ['AtomicBackend']
