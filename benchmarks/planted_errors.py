"""Label errors put into a copy of a data set, and how many of them `mmseg-kfold label-errors` finds.

    python benchmarks/planted_errors.py plant LABELS COPY     # labels with errors, planted.json beside them
    mmseg-kfold run ...                                       # on the copy
    mmseg-kfold label-errors work_dirs/...
    python benchmarks/planted_errors.py found COPY work_dirs/.../label_errors/stage1

10 % of the labels get one error each, the three kinds in turn: a component of at least 400 pixels is dropped
and filled with what is nearest, two classes are swapped, or the whole label is shifted by 10 pixels.
"""

import argparse
import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np

VOID = 255
SHIFTS = ((0, 10), (0, -10), (10, 0), (-10, 0))  # pixels down and to the right
HOW = DROP, SWAP, SHIFT = 'drop', 'swap', 'shift'
RANKINGS = {'quality': -1, 'share': 1}  # columns of images.csv, and whether a high value is a good label


def components_of(label: np.ndarray, least: int) -> list[np.ndarray]:
    """The masks (H, W) of the connected components of a class that have at least so many pixels."""
    found = []
    for kind in set(np.unique(label).tolist()) - {VOID}:
        count, numbers, stats, _ = cv2.connectedComponentsWithStats((label == kind).astype(np.uint8))
        found += [numbers == number for number in range(1, count) if stats[number, cv2.CC_STAT_AREA] >= least]
    return found


def filled(label: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """A label whose pixels in a hole have the class of the nearest pixel outside of it."""
    _, nearest = cv2.distanceTransformWithLabels(
        hole.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.zeros(int(nearest.max()) + 1, np.uint8)
    values[nearest[~hole]] = label[~hole]
    return np.where(hole, values[nearest], label)


def broken(label: np.ndarray, how: str, least: int, rng: np.random.Generator) -> np.ndarray | None:
    """A label (H, W) with one error; ``None`` where it has nothing that could be broken in this way."""
    known = label != VOID
    if how == DROP:
        components = components_of(label, least)
        now = filled(label, components[rng.integers(len(components))]) if components else None
    elif how == SWAP:
        counts = np.bincount(label[known], minlength=VOID)
        kinds = np.flatnonzero(counts >= least)
        now = exchanged(label, *rng.choice(kinds, 2, replace=False).tolist()) if len(kinds) > 1 else None
    else:
        down, right = SHIFTS[rng.integers(len(SHIFTS))]
        now = cv2.warpAffine(
            label,
            np.float32([[1, 0, right], [0, 1, down]]),
            label.shape[::-1],
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=VOID,
        )
    return now


def exchanged(label: np.ndarray, one: int, other: int) -> np.ndarray:
    """A label in which two classes have each other's number."""
    table = np.arange(256, dtype=np.uint8)
    table[[one, other]] = other, one
    return table[label]


def plant(labels: Path, copy: Path, share: float, least: int, seed: int) -> list[dict]:
    """Copy labels, a share of them with an error; what was changed is in ``planted.json`` and ``planted/*.png``."""
    rng = np.random.default_rng(seed)
    files = sorted(labels.rglob('*.png'))
    chosen = rng.permutation(len(files))[: round(share * len(files))].tolist()
    errors: list[dict] = []
    for path in files:
        shutil.copyfile(path, _parent(copy / path.relative_to(labels)))
    for number, index in enumerate(chosen):
        path, how = files[index], HOW[number % len(HOW)]
        label = _read(path)
        now = broken(label, how, least, rng)
        if now is None:
            continue
        # A pixel that becomes void is no wrong label.
        changed = (now != label) & (label != VOID) & (now != VOID)
        cv2.imwrite(str(_parent(copy / path.relative_to(labels))), now)
        cv2.imwrite(str(_parent(copy / 'planted' / path.relative_to(labels))), changed.astype(np.uint8) * VOID)
        name = path.relative_to(labels).with_suffix('').as_posix()
        errors.append({'image': name, 'how': how, 'pixels': int(np.count_nonzero(changed))})
    (copy / 'planted.json').write_text(json.dumps(errors, indent=1) + '\n')
    return errors


def found(copy: Path, folder: Path) -> dict:
    """How well a ranking of images and one of components find the planted errors.

    An image is right where its label was broken, a component where at least half of its pixels were changed.
    """
    planted = {error['image']: error for error in json.loads((copy / 'planted.json').read_text())}
    images = list(csv.DictReader((folder / 'images.csv').read_text().splitlines()))
    broken_ones = np.array([image['image'] in planted for image in images])
    result: dict = {'images': len(images), 'broken': int(broken_ones.sum())}
    for column, sign in RANKINGS.items():
        values = sign * np.array([float(image[column] or 'nan') for image in images])
        result[f'AUROC by {column}'] = round(auroc(values, broken_ones), 3)
        for how in HOW:
            kept = np.array([planted.get(image['image'], {'how': how})['how'] == how for image in images])
            result[f'AUROC by {column}, {how}'] = round(auroc(values[kept], broken_ones[kept]), 3)
    content = json.loads((folder / 'components.coco.json').read_text())
    sizes = {image['id']: image for image in content['images']}
    right = [_is_right(one, sizes[one['image_id']], copy) for one in content['annotations']]
    result['components'] = len(right)
    for first in (20, 50, 100):
        result[f'precision at {first}'] = round(float(np.mean(right[:first])), 3) if right else None
    return result


def auroc(values: np.ndarray, positive: np.ndarray) -> float:
    """The chance that a positive has a higher value than a negative; ties count half."""
    above = values[positive][:, None] - values[~positive][None]
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def _is_right(annotation: dict, image: dict, copy: Path) -> bool:
    path = (copy / 'planted' / image['file_name']).with_suffix('.png')
    if not path.is_file():
        return False
    inside = np.zeros((image['height'], image['width']), np.uint8)
    for outline in annotation['segmentation']:
        cv2.fillPoly(inside, [np.array(outline, np.int32).reshape(-1, 2)], 1)
    return float((_read(path)[inside > 0] > 0).mean()) >= 0.5


def _read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def main() -> None:
    """Plant or count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=('plant', 'found'))
    parser.add_argument('first', type=Path, help='plant: the labels; found: the copy')
    parser.add_argument('second', type=Path, help='plant: the copy; found: the folder of label-errors')
    parser.add_argument('--share', type=float, default=0.1)
    parser.add_argument('--least', type=int, default=400)
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    if args.what == 'plant':
        errors = plant(args.first, args.second, args.share, args.least, args.seed)
        print(f'{len(errors)} errors in {len({error["image"] for error in errors})} labels')
    else:
        print(json.dumps(found(args.first, args.second), indent=1))


if __name__ == '__main__':
    main()
