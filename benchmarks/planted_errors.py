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
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from street_scenes.label_errors import HOW, break_some, wrong_pixels

CLASSES = range(255)  # All but void.
RANKINGS = {'rank': -1, 'quality': -1, 'evidence': 1, 'shift_gain': 1}  # of images.csv; -1: the lowest come first


def plant(labels: Path, copy: Path, share: float, least: int, seed: int) -> list[dict]:
    """Copy labels, a share of them with an error; what was changed is in ``planted.json`` and ``planted/*.png``."""
    rng = np.random.default_rng(seed)
    files = sorted(labels.rglob('*.png'))
    errors: list[dict] = []
    for path in files:
        shutil.copyfile(path, _parent(copy / path.relative_to(labels)))
    for path, how, label, now in break_some(files, CLASSES, share, least, rng):
        changed = wrong_pixels(label, now, CLASSES)
        cv2.imwrite(str(_parent(copy / path.relative_to(labels))), now)
        cv2.imwrite(str(_parent(copy / 'planted' / path.relative_to(labels))), changed.astype(np.uint8) * 255)
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
