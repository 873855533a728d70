"""The plan of a recipe as boxes and links: runs, candidates, winners, and what came from where."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from mmseg_custom.ledger.stage_ledger import RUN_NAME, Entry
from mmseg_custom.plan.early_stop import explain_not_run
from mmseg_custom.reports.charts.candidate_charts import shown_candidates
from mmseg_custom.reports.charts.diagram import HALF_HEIGHT, Box, Diagram, diagram_view, diagram_width
from mmseg_custom.reports.charts.figure import Figure
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, StageRecord, held_out_scores
from mmseg_custom.reports.findings.training_length import length, position

STAGE_HEIGHT, CANDIDATE_DROP = 2.9, 1.4  # rows
HEADING = 15  # letters in a line
FUSED = (
    ', the candidates made from them (points of a path have a figure of their own) and the winner (framed), which '
    'the next stage starts from'
)

Place = tuple[float, float]
Link = tuple[float, float, float, float, bool]


def plan_figure(recipe: RecipeRecord) -> Figure:
    """The stages from top to bottom: a row of runs, below it the candidates made from them."""
    diagram = lay_out(recipe)
    numbers = 'on val' if recipe.has_val else 'of each run on its held-out images'
    return Figure(
        name='plan',
        title='Plan: stages, runs, candidates and winners',
        caption=f'Every stage with its runs{FUSED if recipe.fused else ""}. Numbers are mIoU {numbers} in %; touch '
        'or point at a box for what is behind it.',
        views={'plan': diagram_view(diagram)},
        min_width=diagram_width(diagram),
    )


def lay_out(recipe: RecipeRecord) -> Diagram:
    """Give every run and candidate a box, and link what was made from what."""
    rows = [max(len(stage.runs) + len(stage.missing), len(shown_candidates([stage]))) for stage in recipe.stages]
    diagram = Diagram(columns=max(3, *rows))
    columns = diagram.columns
    came_from: Place | None = None
    end = recipe.ended_by
    top = 0.0
    for stage in recipe.stages:
        runs = _places([*stage.runs, *stage.missing], top, columns)
        candidates = _candidate_places(stage, runs, top, columns)
        not_run = explain_not_run(end.number) if end and stage.number > end.number else ''
        diagram.headings.append((top, _heading(stage, not_run)))
        diagram.boxes.extend(_run_box(stage, name, place, not_run) for name, place in runs.items())
        made = [(name, place) for name, place in candidates.items() if name not in runs]
        diagram.boxes.extend(_candidate_box(stage, name, place) for name, place in made)
        diagram.links.extend(_links(stage, runs, candidates, came_from))
        came_from = candidates.get(stage.outcome['winner']) if stage.outcome else None
        top = max([y for _, y in [*runs.values(), *candidates.values()]]) + STAGE_HEIGHT - CANDIDATE_DROP
    return diagram


def _places(names: Sequence[str], row: float, columns: int) -> dict[str, Place]:
    return {name: ((i + 0.5) * columns / len(names), row) for i, name in enumerate(names)}


def _candidate_places(stage: StageRecord, runs: dict[str, Place], top: float, columns: int) -> dict[str, Place]:
    """A run that is its own only candidate keeps its box."""
    if list(stage.candidates) == list(runs):
        return runs
    return _places(shown_candidates([stage]), top + CANDIDATE_DROP, columns) if stage.candidates else {}


def _heading(stage: StageRecord, not_run: str) -> list[str]:
    trained = f'{stage.length} {stage.unit}s' if stage.length else not_run or 'not trained yet'
    own = 'each from its own fold of the stage before' if any(map(_own_start, stage.runs.values())) else ''
    return [f'stage {stage.number}', *textwrap.wrap(trained, HEADING), *textwrap.wrap(own, HEADING)]


def _run_box(stage: StageRecord, name: str, place: Place, not_run: str) -> Box:
    entry = stage.runs.get(name)
    if entry is None:
        what = f'{name} of stage {stage.number}'
        lines, detail = ([name, 'not run'], not_run) if not_run else ([name, 'missing'], f'{what} has not finished')
        return Box(*place, lines, [detail], 'missing')
    best = entry['best']
    score = held_out_scores(entry)['mIoU']
    held_out = f'{score:.2f} on its held-out fold' + (', seen before' if best['seen'] else '')
    kept = f'weights of {stage.unit} {position(best, stage.unit)} of {length(entry, stage.unit)}'
    details = [f'stage {stage.number}, {name}', kept, held_out]
    winner = stage.outcome is not None and stage.outcome['winner'] == name
    lines = [name, f'{entry.get("val", {"mIoU": score})["mIoU"]:.2f}']
    return Box(*place, lines, [*details, *_origin(entry)], 'winner' if winner else 'plain')


def _candidate_box(stage: StageRecord, name: str, place: Place) -> Box:
    entry = stage.candidates[name]
    won = name == stage.outcome['winner']
    lines = [name.replace('_', ' ') + (' ★' if won else ''), f'{entry["val"]["mIoU"]:.2f}']
    details = [f'stage {stage.number}, {name}', f'from {", ".join(entry["ingredients"])}', *_origin(entry)]
    return Box(*place, lines, details, 'winner' if won else 'plain')


def _origin(entry: Entry) -> list[str]:
    parents = [f'from {parent["file"]}, {parent["weights"][:12]}' for parent in entry['lineage']['parents']]
    return [f'weights {entry["weights"][:12]}', *(parents or ['from scratch'])]


def _links(stage: StageRecord, runs: dict, candidates: dict, came_from: Place | None) -> list[Link]:
    followers = [place for name, place in runs.items() if not _own_start(stage.runs.get(name))]
    started = [(*_below(came_from), *_above(place), True) for place in followers] if came_from else []
    made = [
        (*_below(runs[run]), *_above(candidates[name]), name == stage.outcome['winner'])
        for name in candidates
        if name not in runs
        for run in runs
        if any(ingredient.partition('_')[0] == run for ingredient in stage.candidates[name]['ingredients'])
    ]
    return [*started, *made]


def _own_start(entry: Entry | None) -> bool:
    """Whether a run started from its own fold of the stage before, not from its winner."""
    parents = entry['lineage']['parents'] if entry else []
    return any(RUN_NAME.fullmatch(Path(parent['file']).stem) for parent in parents)


def _below(place: Place) -> Place:
    return place[0], place[1] + HALF_HEIGHT


def _above(place: Place) -> Place:
    return place[0], place[1] - HALF_HEIGHT
