"""Label errors put into a copy of a data set, and how many of them `mmseg-kfold label-errors` finds.

    python benchmarks/planted_errors.py plant LABELS COPY     # labels with errors, planted.json beside them
    mmseg-kfold run ...                                       # on the copy
    mmseg-kfold label-errors work_dirs/...
    python benchmarks/planted_errors.py found COPY work_dirs/.../label_errors/stage1

Of all connected components of a class with at least 400 pixels, 5 % are moved, deleted or given another class.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

VOID = 255
SHIFT = (10, 30)  # pixels, of a component that is moved
MOVE, DELETE, SWAP = 'move', 'delete', 'swap'


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


def broken(label: np.ndarray, mask: np.ndarray, how: str, classes: list[int], rng: np.random.Generator) -> np.ndarray:
    """A label with one component moved, deleted or of another class."""
    kind = int(label[mask][0])
    if how == SWAP:
        return np.where(mask, rng.choice([one for one in classes if one != kind]), label).astype(np.uint8)
    without = filled(label, mask)
    if how == DELETE:
        return without
    down, right = (int(rng.choice([-1, 1])) * int(rng.integers(*SHIFT)) for _ in range(2))
    height, width = label.shape
    moved = cv2.warpAffine(mask.astype(np.uint8), np.float32([[1, 0, right], [0, 1, down]]), (width, height)) > 0
    return np.where(moved, kind, without).astype(np.uint8)


def plant(labels: Path, copy: Path, share: float, least: int, seed: int) -> list[dict]:
    """Copy labels with errors; what was changed is in ``planted.json`` and, numbered from 1, in ``planted/*.png``."""
    rng = np.random.default_rng(seed)
    files = {path: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(labels.rglob('*.png'))}
    classes = sorted({int(kind) for label in files.values() for kind in np.unique(label)} - {VOID})
    every = [(path, number) for path, label in files.items() for number in range(len(components_of(label, least)))]
    chosen = sorted(rng.permutation(len(every))[: round(share * len(every))].tolist())
    errors: list[dict] = []
    for path, label in files.items():
        numbers = [every[index][1] for index in chosen if every[index][0] == path]
        found, now, marks = components_of(label, least), label.copy(), np.zeros(label.shape, np.uint16)
        for number in numbers:
            how = str(rng.choice([MOVE, DELETE, SWAP]))
            after = broken(now, found[number], how, classes, rng)
            changed = (after != now) & (label != VOID)
            now = np.where(label == VOID, VOID, after).astype(np.uint8)
            marks[changed] = len(errors) + 1
            name = path.relative_to(labels).with_suffix('').as_posix()
            errors.append({'image': name, 'how': how, 'class': int(label[found[number]][0])})
        _write(copy / path.relative_to(labels), now)
        if numbers:
            _write(copy / 'planted' / path.relative_to(labels), marks)
    sizes = np.bincount(np.concatenate([_read(path).ravel() for path in (copy / 'planted').rglob('*.png')]))
    errors = [{**error, 'pixels': int(sizes[at])} for at, error in enumerate(errors, 1) if at < len(sizes)]
    (copy / 'planted.json').write_text(json.dumps(errors, indent=1) + '\n')
    return errors


def found(copy: Path, folder: Path) -> dict:
    """Precision of the first components and recall of the planted errors.

    A component is right where at least half of its pixels were changed; an error is found where a right component
    lies on it.
    """
    planted = json.loads((copy / 'planted.json').read_text())
    content = json.loads((folder / 'components.coco.json').read_text())
    images = {image['id']: image for image in content['images']}
    hits = [_hit(one, images[one['image_id']], copy) for one in content['annotations']]
    right = [bool(hit) for hit in hits]
    names = {Path(image['file_name']).with_suffix('').as_posix() for image in images.values()}
    looked_at = {number for number, error in enumerate(planted, 1) if error['image'] in names}
    result: dict = {'images': len(names), 'components': len(hits), 'errors': len(looked_at)}
    for first in (20, 50, 100, 200):
        result[f'precision at {first}'] = round(float(np.mean(right[:first])), 3) if hits else None
        result[f'recall at {first}'] = round(len(set().union(*hits[:first])) / len(looked_at), 3)
    result['recall'] = round(len(set().union(*hits)) / len(looked_at), 3)
    for how in (MOVE, DELETE, SWAP):
        numbers = {number for number in looked_at if planted[number - 1]['how'] == how}
        result[f'recall, {how}'] = round(len(numbers & set().union(*hits)) / max(len(numbers), 1), 3)
    return result


def _hit(annotation: dict, image: dict, copy: Path) -> set[int]:
    """The numbers of the planted errors that a component lies on, none where it is not right."""
    path = (copy / 'planted' / image['file_name']).with_suffix('.png')
    if not path.is_file():
        return set()
    inside = np.zeros((image['height'], image['width']), np.uint8)
    for outline in annotation['segmentation']:
        cv2.fillPoly(inside, [np.array(outline, np.int32).reshape(-1, 2)], 1)
    marks = _read(path)[inside > 0]
    return set(marks[marks > 0].tolist()) if 2 * np.count_nonzero(marks) >= marks.size else set()


def _read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def _write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def main() -> None:
    """Plant or count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=('plant', 'found'))
    parser.add_argument('first', type=Path, help='plant: the labels; found: the copy')
    parser.add_argument('second', type=Path, help='plant: the copy; found: the folder of label-errors')
    parser.add_argument('--share', type=float, default=0.05)
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
