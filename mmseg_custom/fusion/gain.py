"""What a stage has won over its start."""

from mmseg_custom.ledger.stage_ledger import Entry


def is_flat(outcome: Entry) -> bool:
    """Whether a stage's winner is not surely better than its start; ``False`` where that is not known."""
    return 'gain' in outcome and outcome['gain']['interval'][0] <= 0


def explain_flat(outcome: Entry) -> str:
    """What a flat stage has won, as the rest of a sentence about its winner."""
    gain = outcome['gain']
    low, high = gain['interval']
    return (
        f'does not improve on its start beyond the interval: {gain["mIoU"]:+.2f} points of mIoU on {gain["part"]} '
        f'[{low:+.2f}, {high:+.2f}]'
    )
