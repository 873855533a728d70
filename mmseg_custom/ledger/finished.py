"""What becomes of a run that is finished: left alone, trained longer, archived or refused."""

from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from mmseg_custom.config import length_of
from mmseg_custom.errors import StageError
from mmseg_custom.fold_settings import plan_command
from mmseg_custom.io.lease import RECIPE_LEASE, refuse_while_held, sole_process
from mmseg_custom.ledger.changes import archive, change_of, extension, standing_on
from mmseg_custom.ledger.stage_ledger import Entry, StageLedger

BY_RECIPE = 'run_by_recipe'
FORCE = 'force'


@dataclass(frozen=True)
class RunStart:
    """How a run begins.

    Attributes:
        finished: Whether nothing of it is left to train.
        replaces: The checksum of the finished weights that it takes the place of when it ends, if any.
        notes: What to tell the user before the first step.
    """

    finished: bool = False
    replaces: str | None = None
    notes: tuple[str, ...] = ()


def start_run(cfg: Config, ledger: StageLedger, run_name: str, resume: bool) -> RunStart:
    """See what there is to do for a run, and archive its finished twin if that is asked for.

    Args:
        cfg: The run's config; ``force`` asks for archiving: a run that has changed, without ``resume`` any.
        ledger: Of the stage.
        run_name: Its name there.
        resume: Whether it goes on from its last state.

    Raises:
        StageError: If the run is finished and would be replaced without being asked to, was started or finished with
            another config or data, or a recipe is running that it would change.
    """
    entry = ledger.entry(run_name)
    change = change_of(cfg, entry) if resume else None
    if cfg.get(FORCE) and (change or (entry and not resume)):
        return RunStart(notes=_archive(cfg, ledger, run_name))
    if change:
        raise StageError(
            f'{run_name} of {ledger.folder} {change}. Take the change back, or start it with --force: that '
            'archives the older run and trains it anew.'
        )
    if entry is None:
        return RunStart()
    if not resume:
        raise StageError(_refusal(cfg, ledger, run_name))
    lengths = extension(cfg, entry)
    if lengths is None:
        return RunStart(finished=True, replaces=entry['weights'])
    _refuse_under_recipe(cfg, ledger)
    return RunStart(replaces=entry['weights'], notes=_notes_on_length(cfg, ledger, run_name, lengths))


def check_still_free(ledger: StageLedger, run_name: str, run_start: RunStart, work_dir: str) -> None:
    """See that no other process has finished the run since this one started.

    Raises:
        StageError: If one has; what this one has trained stays in its folder.
    """
    entry: Entry | None = ledger.entry(run_name)
    if entry and entry['weights'] != run_start.replaces:
        raise StageError(
            f'{run_name} of {ledger.folder} was finished by another run while this one trained, and is not replaced. '
            f'What this one has trained is in {work_dir}; give it a default_hooks.fold_average.stage_dir of its own.'
        )


def _refusal(cfg: Config, ledger: StageLedger, run_name: str) -> str:
    stale = [one.folder.name for one in standing_on(ledger)]
    behind = f' ({", ".join(stale)} stand{"s" * (len(stale) == 1)} on it)' if stale else ''
    return (
        f'{run_name} of {ledger.folder} is finished{behind}, and this run would replace it. Give it a stage of its '
        'own: --cfg-options default_hooks.fold_average.stage_dir=FOLDER; or go on with --resume; or add --force: it '
        'archives the finished run and trains it anew.'
    )


def _archive(cfg: Config, ledger: StageLedger, run_name: str) -> tuple[str, ...]:
    stale = standing_on(ledger)
    with sole_process(ledger.folder.parent / RECIPE_LEASE, f'{ledger.folder.parent} is being run'):
        moved = archive(ledger, {run_name: cfg})
    return (*(f'{run_name}: the older run is now in {folder}.' for folder in moved), *_stale(cfg, stale))


def _refuse_under_recipe(cfg: Config, ledger: StageLedger) -> None:
    if not cfg.get(BY_RECIPE):
        refuse_while_held(Path(ledger.folder.parent) / RECIPE_LEASE, f'{ledger.folder.parent} is being run')


def _notes_on_length(cfg: Config, ledger: StageLedger, run_name: str, lengths: tuple[int, int]) -> tuple[str, ...]:
    unit = length_of(cfg)[1]
    notes = [
        f'{run_name} of {ledger.folder} is finished with {lengths[0]} {unit}s and goes on to {lengths[1]}; when it '
        'ends, it takes the place of the older one, which is archived.'
    ]
    if cfg.get('param_scheduler'):
        notes.append(
            f'The learning-rate schedule goes on as it was built for {lengths[0]} {unit}s, whatever the config says '
            'now; behind its end the rate is what it gives there: most keep their last value, a cosine rises again.'
        )
    return (*notes, *_stale(cfg, standing_on(ledger)))


def _stale(cfg: Config, ledgers: list[StageLedger]) -> tuple[str, ...]:
    """What to say of the stages that stand on weights that are replaced."""
    if not ledgers:
        return ()
    names = ', '.join(ledger.folder.name for ledger in ledgers)
    return (
        f'Stale from then on: {names}, which started from what is replaced. `{plan_command(cfg)} --force` archives '
        'them and trains them anew.',
    )
