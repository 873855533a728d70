"""Stages that improve nothing, and the plans that end behind them."""

from collections.abc import Mapping

from mmseg_custom.fusion.gain import explain_flat, is_flat
from mmseg_custom.ledger.stage_ledger import ENDS_PLAN, Entry, StageLedger


def end_plan_if_flat(ledger: StageLedger) -> None:
    """Let the plan end behind a fused stage that improves nothing; the ledger says why."""
    outcome = ledger.outcome()
    if is_flat(outcome) and ENDS_PLAN not in outcome:
        ledger.amend_outcome({ENDS_PLAN: f'its winner {explain_flat(outcome)}'})


def go_on(ledgers: Mapping[int, StageLedger]) -> None:
    """Let a plan go on behind the stages that have ended it; they will not end it again."""
    for ledger in ledgers.values():
        if (ledger.outcome() or {}).get(ENDS_PLAN):
            ledger.amend_outcome({ENDS_PLAN: None})


def ended_by(outcomes: Mapping[int, Entry | None]) -> int | None:
    """The number of the stage that ended a plan, ``None`` for a plan that goes on.

    Args:
        outcomes: Of the stages, by number in order.
    """
    return next((number for number, outcome in outcomes.items() if outcome and outcome.get(ENDS_PLAN)), None)


def explain_not_run(number: int) -> str:
    """What becomes of the stages behind the one that ended the plan."""
    return f'not run: stage {number} improved nothing'
