"""Early stop of a plan: no stages are run after one without a significant gain."""

from collections.abc import Mapping

from mmseg_custom.fusion.gain import explain_no_gain, no_significant_gain
from mmseg_custom.ledger.stage_ledger import EARLY_STOP, Entry, StageLedger


def stop_without_gain(ledger: StageLedger) -> None:
    """Let the plan end behind a fused stage without a significant gain; the ledger says why."""
    outcome = ledger.outcome()
    if outcome and no_significant_gain(outcome) and EARLY_STOP not in outcome:
        ledger.amend_outcome({EARLY_STOP: f'its winner {explain_no_gain(outcome)}'})


def lift_early_stop(ledgers: Mapping[int, StageLedger]) -> None:
    """Let a plan go on behind the stages that have ended it; they will not end it again."""
    for ledger in ledgers.values():
        if (ledger.outcome() or {}).get(EARLY_STOP):
            ledger.amend_outcome({EARLY_STOP: None})


def ended_by(outcomes: Mapping[int, Entry | None]) -> int | None:
    """The number of the stage that ended a plan, ``None`` for a plan that goes on.

    Args:
        outcomes: Of the stages, by number in order.
    """
    return next((number for number, outcome in outcomes.items() if outcome and outcome.get(EARLY_STOP)), None)


def explain_not_run(number: int) -> str:
    """What becomes of the stages behind the one that ended the plan."""
    return f'not run: stage {number} had no significant gain'
