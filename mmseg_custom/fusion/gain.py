"""What a stage has won over its initial weights."""

from mmseg_custom.ledger.stage_ledger import Entry


def no_significant_gain(outcome: Entry) -> bool:
    """Whether a winner has no significant gain over its initial weights; ``False`` where that is not known."""
    return 'gain' in outcome and outcome['gain']['interval'][0] <= 0


def explain_no_gain(outcome: Entry) -> str:
    """What such a stage has won, as the rest of a sentence about its winner."""
    gain = outcome['gain']
    low, high = gain['interval']
    return (
        f'has no significant gain over its initial weights: {gain["mIoU"]:+.2f} points of mIoU on {gain["part"]} '
        f'[{low:+.2f}, {high:+.2f}]'
    )
