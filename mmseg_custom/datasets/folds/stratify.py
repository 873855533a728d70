"""Parts that are alike in the pixels of every class, while groups stay whole.

Greedy by the class that is hardest to spread, as iterative stratification (Sechidis et al., "On the Stratification of
Multi-Label Data", ECML PKDD 2011; Szymanski and Kajdanowicz, 2017, https://arxiv.org/abs/1704.08756) with pixels in
place of labels, then exchanges of two groups that bring the parts closer together.
"""

import numpy as np

from mmseg_custom.datasets.folds.exchange import deviations, exchange

TOLERANCE = 0.25  # Of the rarest class' mean; where more is left, it weighs more than the other classes.
SIZE_TOLERANCE = 0.1  # Of a part's number of images; half of the largest group where that is more.
STRESS = 30.0
FEW = 300  # Up to so many groups other starts are tried as well.
RESTARTS = 16


def assign_parts(pixels: np.ndarray, sizes: np.ndarray, shares: np.ndarray, seed: int) -> np.ndarray:
    """The part of each group.

    Args:
        pixels: Of each class in each group, of shape (G, C).
        sizes: Images in each group (G,). Where all are 1, parts of one share differ by an image at most.
        shares: Of the images that each part is to have (P,), summing to 1.
        seed: Of what is drawn; the same gives the same.

    Returns:
        Numbers of parts (G,).
    """
    pixels = pixels[:, pixels.any(0)].astype(np.float64)
    rng = np.random.default_rng(seed)
    part_of = exchange(greedy(pixels, sizes, shares, rng), pixels, sizes, shares, rng)
    if not pixels.size or _rarest_away(part_of, pixels, shares) <= TOLERANCE:
        return part_of
    starts = [part_of, greedy(pixels[:, [pixels.sum(0).argmin()]], sizes, shares, rng)]
    if len(sizes) <= FEW:
        starts += [greedy(rng.random((len(sizes), 1)), sizes, shares, rng) for _ in range(RESTARTS)]
    found = [exchange(start, pixels, sizes, shares, rng, STRESS) for start in starts]
    return min([part_of, *found], key=lambda one: _rank(one, pixels, sizes, shares))


def _rarest_away(part_of: np.ndarray, pixels: np.ndarray, shares: np.ndarray) -> float:
    rarest = pixels[:, [pixels.sum(0).argmin()]]
    return float(np.abs(deviations(part_of, rarest, shares)).max())


def _rank(part_of: np.ndarray, pixels: np.ndarray, sizes: np.ndarray, shares: np.ndarray) -> tuple[float, ...]:
    """The less the better: sizes and the rarest class as far as they are out of tolerance, then all classes."""
    of_size = float(np.abs(deviations(part_of, sizes[:, None], shares)).max())
    may_be = max(SIZE_TOLERANCE, sizes.max() / (2 * shares.min() * sizes.sum()))
    squared = float((deviations(part_of, pixels, shares) ** 2).sum())
    return max(may_be, of_size), max(TOLERANCE, _rarest_away(part_of, pixels, shares)), squared


def greedy(pixels: np.ndarray, sizes: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deal the groups, class by class, largest first, to the part that lacks most of the class and has room.

    A class is the harder to spread the fewer groups it effectively is in: ``(sum x)^2 / sum x^2``.
    """
    wanted, room = shares[:, None] * pixels.sum(0), quotas(sizes, shares)
    part_of, tie = np.full(len(sizes), -1), rng.random(len(sizes))
    spread = pixels.sum(0) ** 2 / (pixels**2).sum(0)
    for kind in np.argsort(spread, kind='stable'):
        waiting = np.flatnonzero((part_of < 0) & (pixels[:, kind] > 0))
        for group in waiting[np.lexsort((tie[waiting], -pixels[waiting, kind]))]:
            _deal(group, _with_room(room, sizes[group], wanted[:, kind]), part_of, wanted, room, pixels, sizes)
    waiting = np.flatnonzero(part_of < 0)
    for group in waiting[np.lexsort((tie[waiting], -sizes[waiting]))]:
        _deal(group, int(room.argmax()), part_of, wanted, room, pixels, sizes)
    return _fill_empty(part_of, sizes, len(shares))


def quotas(sizes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """How many images each part is to have (P,); whole numbers where every group is one image."""
    exact = shares * sizes.sum()
    if sizes.max() > 1:
        return exact
    whole = np.floor(exact + 1e-9)
    missing = int(sizes.sum() - whole.sum())
    whole[np.argsort(whole - exact, kind='stable')[:missing]] += 1
    return whole


def _fill_empty(part_of: np.ndarray, sizes: np.ndarray, num_parts: int) -> np.ndarray:
    """Give each part without a group the smallest group of the part that has most."""
    for part in range(num_parts):
        if not (part_of == part).any():
            groups = np.flatnonzero(part_of == np.bincount(part_of, minlength=num_parts).argmax())
            part_of[groups[sizes[groups].argmin()]] = part
    return part_of


def _with_room(room: np.ndarray, size: int, wanted: np.ndarray) -> int:
    """The part that wants most among those that take more than half of the group; else the emptiest."""
    fits = room >= size / 2 + (0.25 if size == 1 else 0)
    if not fits.any():
        return int(room.argmax())
    order = np.lexsort((-room, -np.where(fits, wanted, -np.inf)))
    return int(order[0])


def _deal(
    group: int,
    part: int,
    part_of: np.ndarray,
    wanted: np.ndarray,
    room: np.ndarray,
    pixels: np.ndarray,
    sizes: np.ndarray,
) -> None:
    part_of[group] = part
    wanted[part] -= pixels[group]
    room[part] -= sizes[group]
