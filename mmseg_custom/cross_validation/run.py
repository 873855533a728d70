"""Cross-validation of a config: folds, their training, and what they come to together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.cross_validation.config_file import write_config
from mmseg_custom.cross_validation.fold_config import INNER_SHARE, FoldOptions, make_stage
from mmseg_custom.cross_validation.fold_scores import add_up_folds, write_out_of_fold
from mmseg_custom.cross_validation.image_groups import groups_of_images
from mmseg_custom.datasets.checks.leaks import describe_leaks, refuse_leaks
from mmseg_custom.datasets.fix_list import FixList, read_fix_list
from mmseg_custom.datasets.folds.any_folds import Folds
from mmseg_custom.datasets.folds.inner_part import check_inner_parts
from mmseg_custom.datasets.prepare_folds import PreparedFolds, keep_split, leaks_of, prepare_folds
from mmseg_custom.fold_settings import COMMAND, INNER, MADE_OF
from mmseg_custom.io.files import readable_path, write_bytes
from mmseg_custom.launchers.pool import Pool
from mmseg_custom.ledger.data_checksums import DATA_CHECKSUMS, data_checksums
from mmseg_custom.messages import Report
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.recipe import Recipe
from mmseg_custom.reports.findings.out_of_fold import OutOfFold

FOLD_FILE = 'folds.json'
LABEL_COUNTS = 'folds.pixels.npz'  # Where stratified folds keep theirs, too.
PLAN = 'plan'


@dataclass(frozen=True)
class Prepared:
    """A cross-validation that can be run.

    Attributes:
        plan: Its stages.
        options: What was added to the config.
        folds: The folds.
        has_leaks: Whether images stand on both sides, which was allowed.
    """

    plan: Plan
    options: FoldOptions
    folds: PreparedFolds
    has_leaks: bool


def prepare_run(
    user: Config, options: FoldOptions, folds: Folds, stratify: bool, allow_leaks: bool, report: Report
) -> Prepared:
    """Make or read the folds, look for leaks, and write the config of the stage.

    Args:
        user: The user's config.
        options: What is added to it.
        folds: How the folds are made.
        stratify: Whether they are made alike by the pixels of each class.
        allow_leaks: Go on although images stand on both sides.
        report: Takes lines for the user.

    Raises:
        UserError: Whatever can be known before the first step.
    """
    make_stage(user, options)
    fixes = read_fix_list(options.fix_list) if options.fix_list else FixList()
    found = prepare_folds(user.train_dataloader.dataset, folds, stratify)
    if folds.file != options.fold_file:
        keep_split(found.split, options.fold_file, str(folds.file))
    if options.select == INNER:
        check_inner_parts(found.split, INNER_SHARE)
    leaks = leaks_of(user, found)
    if not allow_leaks:
        refuse_leaks(leaks)
    for line in [*found.lines, *describe_leaks(leaks)]:
        report(line)
    fixes.check_names([one.name for one in found.samples], str(options.fix_list))
    if options.fix_list:
        report(
            f'{options.fix_list}: {len(fixes.leave_out)} images are not trained on, {len(fixes.void)} regions of '
            f'{len(fixes.regions())} others are void in training; held-out images are scored on their labels as they '
            'are.'
        )
    options = replace(options, data_checksums=data_checksums(found.samples))
    return Prepared(write_plan(user, options), options, found, bool(leaks))


def said_beside(user: Config, options: FoldOptions) -> dict[str, Any]:
    """What every config of a plan says beside: what it was made of, what runs it, and what its files hold."""
    known = {COMMAND: options.command, DATA_CHECKSUMS: options.data_checksums}
    return {MADE_OF: readable_path(user.filename), **{key: value for key, value in known.items() if value}}


def write_plan(user: Config, options: FoldOptions) -> Plan:
    """Write the config of each stage; those of stages that there are no more go."""
    folder, made_of = options.folder / PLAN, readable_path(user.filename)
    said = said_beside(user, options)
    files = {number: folder / f'stage{number}.py' for number in range(1, options.stages + 1)}
    for number, file in files.items():
        head = f'Made of {made_of} by mmseg-kfold run, and made anew at each run.'
        write_config({**make_stage(user, options, number), **said}, file, head)
    for path in set(folder.glob('stage*.py')) - set(files.values()):
        path.unlink()
    return Plan(folder)


@contextmanager
def plan_kept(folder: Path) -> Iterator[Callable[[], None]]:
    """Put the configs of a plan back when the block ends, but for a block that calls what it is given.

    A call that trains nothing, refused or a dry run, changes nothing: the configs go on saying what was trained.
    """
    before = {path: path.read_bytes() for path in (folder / PLAN).glob('stage*.py')}
    try:
        yield before.clear
    finally:
        for path, content in before.items():
            write_bytes(content, path)


def run_folds(prepared: Prepared, recipe: Recipe, chosen: set[int] | None, force: bool) -> dict[int, OutOfFold]:
    """Train what is missing of the folds, and add up the stages that are complete, by number.

    Args:
        prepared: What is run.
        recipe: Over its plan.
        chosen: Numbers of folds; ``None`` for all.
        force: As :meth:`Recipe.run`.

    Raises:
        StageError: As :meth:`Recipe.run`.
    """
    recipe.run(folds=chosen, force=force)
    results = {}
    for stage in prepared.plan.stages:
        ledger = recipe.state.ledger(stage)
        if not ledger.missing(stage.run_names):
            groups = groups_of_images(prepared.folds.split, prepared.folds.samples)
            results[stage.number] = add_up_folds(ledger, groups, prepared.has_leaks)
            write_out_of_fold(results[stage.number], ledger)
    return results


def recipe_of(prepared: Prepared, pool: Pool, report: Report) -> Recipe:
    """What trains the folds of a prepared cross-validation."""
    return Recipe(prepared.plan, pool, report)
