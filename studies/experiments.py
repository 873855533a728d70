"""Which experiments there are: data, no code that runs them."""

from dataclasses import dataclass, replace

SEEDS = (42, 43)
# Passes over the train list that one worker has time for, and the shares of them that shorter plans take.
TIME, HALF, SHORT = 24.0, 1 / 2, 1 / 3
# Channels of the backbone's first stage; published are 64.
WIDTH = 8
# The share of a plan that comes before its folds.
START, LATE = 0.25, 0.75
# Share of the first learning rate at which stages end that are averaged before their schedule runs out.
HIGH_RATE = 0.3


@dataclass(frozen=True)
class Phase:
    """Runs side by side from the same initial weights.

    Attributes:
        passes: What each run takes of the images, in lengths of the whole train list.
        folds: The number of runs, each without its part of the images; ``None`` for one run on all of them.
    """

    passes: float
    folds: int | None = None

    @property
    def share(self) -> float:
        """Share of the images that a run trains on."""
        return 1 - 1 / self.folds if self.folds else 1.0

    @property
    def cost(self) -> float:
        """Passes of all its runs together."""
        return self.passes * (self.folds or 1)


@dataclass(frozen=True)
class Experiment:
    """A plan to train, and what it belongs to.

    Attributes:
        name: Of its folder and its results, without the seed.
        recipe: ``'published'``, ``'reference'``, ``'strong'``, ``'stock'`` or a config of studies/switches.
        phases: Its stages.
        budget: ``'passes'`` (all plans take equally many images) or ``'time'`` (K workers side by side take as long
            as one run), ``'both'`` for a single run.
        seed: Of everything random.
        lr: Learning rate at the beginning, in the place of the recipe's.
        last_rate: Share of the learning rate at which the last stage ends; 0 for a schedule that runs out.
        warm_up: Iterations over which the rate of each stage of folds rises, whose optimizers begin without moments.
        every: Only every n-th image of the train list, as often as to make up for it.
        leak_free: Folds of whole blocks of frames, each goes on from itself and never sees its held-out fold.
        width: Channels of the backbone's first stage.
        held_out: The drive that takes the place of val and is not trained on; none if empty.
    """

    name: str
    recipe: str
    phases: tuple[Phase, ...]
    budget: str
    seed: int = SEEDS[0]
    lr: float | None = None
    last_rate: float = 0.0
    warm_up: int = 0
    every: int = 1
    leak_free: bool = False
    width: int = WIDTH
    held_out: str = ''

    @property
    def key(self) -> str:
        """Its name with the seed."""
        return f'{self.name}_seed{self.seed}'

    def epochs(self, phase: Phase) -> int:
        """Epochs of a run over its own share of its images."""
        return max(round(self.every * phase.passes / phase.share), 1)

    @property
    def time(self) -> float:
        """Passes that one worker takes, when there is one for each run of a stage."""
        return sum(phase.passes for phase in self.phases)

    @property
    def cost(self) -> float:
        """Passes that all workers take."""
        return sum(phase.cost for phase in self.phases)


def staged(
    stages: int = 2, folds: int = 4, *, budget: str, time: float = TIME, start: float = START
) -> tuple[Phase, ...]:
    """A share of the time on all images, then stages of folds that share what is left of a budget."""
    first = time * start
    left = (time - first) / stages
    return (Phase(first), *[Phase(left / folds if budget == 'passes' else left, folds)] * stages)


def main_table() -> list[Experiment]:
    """The plans of the main table, in the order of what they tell."""
    single, equal = (Phase(TIME),), staged(budget='passes')
    side_by_side = Experiment('strong_time', 'strong', staged(budget='time'), 'time')
    return [
        Experiment('strong', 'strong', single, 'both'),
        Experiment('strong_passes_late', 'strong', staged(1, budget='passes', start=LATE), 'passes'),
        Experiment('published_passes', 'published', equal, 'passes'),
        Experiment('reference_passes', 'reference', equal, 'passes'),
        Experiment('strong_passes', 'strong', equal, 'passes'),
        side_by_side,
        replace(side_by_side, name='strong_time_high_rate', last_rate=HIGH_RATE),
        Experiment('stock', 'stock', single, 'both'),
    ]


def crossover() -> list[Experiment]:
    """At half of the time, one thing changed: how many folds, how often, from where, at what rates."""
    time = TIME * HALF

    def plan(name: str, **changes: float) -> Experiment:
        return Experiment(name, 'strong', staged(budget='time', time=time, **changes), 'time')

    single, half = Experiment('half', 'strong', (Phase(time),), 'both'), plan('half_time')
    return [
        single,
        half,
        *(replace(plan, name=f'{plan.name}_few', every=4) for plan in (single, half)),
        plan('half_four_stages', stages=4),
        replace(half, name='half_warm_up', warm_up=30),
        replace(half, name='half_high_rate', last_rate=HIGH_RATE),
        plan('half_late', start=LATE),
        plan('half_k2', folds=2),
        plan('half_one_stage', stages=1),
        replace(half, name='half_last_on_all', phases=(Phase(time / 4), Phase(time / 2, 4), Phase(time / 4))),
        replace(
            half, name='half_leak_free', phases=(replace(half.phases[0], folds=4), *half.phases[1:]), leak_free=True
        ),
    ]


def learning_rates() -> list[Experiment]:
    """Higher learning rates; the number in a name is their thousandths."""
    single, half = crossover()[:2]
    return [
        replace(single, name='half_lr4', lr=4e-3),
        *(replace(plan, name=f'{plan.name}_lr8', lr=8e-3) for plan in (single, half, main_table()[0])),
    ]


def short() -> list[Experiment]:
    """Little time at a high rate: one run whose schedule runs out, and folds averaged long before theirs would.

    The same for a wider network, at half of the rate.
    """
    time = TIME * SHORT
    folds = staged(1, budget='time', time=time)

    def pair(name: str, **changes: float) -> list[Experiment]:
        return [
            Experiment(f'short_{name}', 'strong', (Phase(time),), 'both', **changes),
            Experiment(f'short_time_{name}', 'strong', folds, 'time', last_rate=0.4, **changes),
        ]

    lr8 = [plan for seed in SEEDS for plan in pair('lr8', lr=8e-3, seed=seed)]
    return [*lr8, *pair('wide', lr=4e-3, width=3 * WIDTH)]


def pretrained(held_out: str = '0001TP') -> list[Experiment]:
    """From ImageNet, on a drive that train lacks: is it the folds' average that wins, or the restart of each fold?

    All learn for as many steps. One run; one run that begins anew after a third, with an optimizer without moments,
    as folds do; folds from there.
    """
    time = 6.0
    first, left = Phase(time / 3), Phase(time * 2 / 3)
    plans = {'single': (Phase(time),), 'restart': (first, left), 'folds': (first, replace(left, folds=4))}
    return [
        Experiment(f'pretrained_{name}', 'pretrained', phases, 'time', seed=seed, warm_up=20, held_out=held_out)
        for seed in (*SEEDS, 44)
        for name, phases in plans.items()
    ]


SWITCHES = (
    'scale_crop',
    'sgd',
    'batch_8',
    'warm_up',
    'ohem',
    'aux_head',
    'deep_stem',
    'class_balanced',
    'ema',
    'lovasz',
    'dice',
)


def ablation() -> list[Experiment]:
    """One run of half the length without any switch, with two seeds, and with one switch at a time."""
    base, *switches = (
        Experiment(f'switch_{name}', name, (Phase(TIME * HALF),), 'both') for name in ('base', *SWITCHES)
    )
    return [base, replace(base, seed=SEEDS[1]), *switches]


def all_experiments() -> dict[str, Experiment]:
    """Every experiment by its key, in the order in which they are run."""
    first, second = main_table(), [replace(experiment, seed=SEEDS[1]) for experiment in main_table()]
    return {
        experiment.key: experiment
        for experiment in [*first, *second, *crossover(), *learning_rates(), *short(), *ablation(), *pretrained()]
    }
