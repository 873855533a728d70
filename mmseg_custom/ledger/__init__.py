"""What is done, by whom and from what: entries of runs and stages, lineage, fingerprints."""

from mmseg_custom.ledger.stage_ledger import StageLedger

__all__ = ['StageLedger']
