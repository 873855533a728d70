"""Label errors as files: tables, suggested labels, and what annotation tools import."""

import json
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

from mmseg_custom.evaluation.kept_predictions import Index
from mmseg_custom.io.files import atomic_path, write_csv
from mmseg_custom.label_errors.components import Component
from mmseg_custom.label_errors.search import ImageErrors, LabelErrors
from mmseg_custom.label_errors.verdicts import Verdicts

IMAGES_FILE, COMPONENTS_FILE, COCO_FILE = 'images.csv', 'components.csv', 'components.coco.json'
SUGGESTIONS = 'suggestions'
OF_IMAGES = [
    'rank',
    'image',
    'evidence',
    'shift_gain',
    'shift_down',
    'shift_right',
    'quality',
    'pixels',
    'share',
    'components',
    'predicted_by',
    'seen',
    'file',
    'label',
]
BOX = ('left', 'top', 'width', 'height')
OF_COMPONENTS = [
    'rank',
    'image',
    'given',
    'suggested',
    'pixels',
    *BOX,
    'score',
    'predicted_by',
    'seen',
    'verdict',
    'key',
]


def write_tables(errors: LabelErrors, index: Index, verdicts: Verdicts, folder: Path) -> None:
    """Write ``images.csv`` and ``components.csv``, the worst first."""
    by_name = {image.record.name: image.record for image in errors.images}
    images = (_image_row(rank, image) for rank, image in enumerate(errors.images, start=1))
    components = (
        {
            'rank': rank,
            'image': one.image,
            'given': index.classes[one.given],
            'suggested': index.classes[one.suggested],
            'pixels': one.pixels,
            **dict(zip(BOX, one.box, strict=True)),
            'score': f'{one.score:.3f}',
            'predicted_by': by_name[one.image].predicted_by,
            'seen': by_name[one.image].seen,
            'verdict': verdicts.get(one.key, ''),
            'key': one.key,
        }
        for rank, one in enumerate(errors.components, start=1)
    )
    write_csv(OF_IMAGES, map(itemgetter(*OF_IMAGES), images), folder / IMAGES_FILE)
    write_csv(OF_COMPONENTS, map(itemgetter(*OF_COMPONENTS), components), folder / COMPONENTS_FILE)


def _image_row(rank: int, image: ImageErrors) -> dict[str, Any]:
    return {
        'rank': rank,
        'image': image.record.name,
        'evidence': f'{image.evidence:.6f}',
        'shift_gain': f'{image.shift.gain:.6f}',
        'shift_down': image.shift.down,
        'shift_right': image.shift.right,
        'quality': '' if image.record.quality is None else f'{image.record.quality:.6f}',
        'pixels': image.pixels,
        'share': f'{image.pixels / image.labelled:.6f}' if image.labelled else '',
        'components': image.components,
        'predicted_by': image.record.predicted_by,
        'seen': image.record.seen,
        'file': image.record.image,
        'label': image.record.label,
    }


def write_coco(errors: LabelErrors, index: Index, folder: Path) -> None:
    """Write the components as annotations of the suggested class, in COCO's form; category ids count from 1."""
    numbers = {image.record.name: number for number, image in enumerate(errors.images, start=1)}
    images = (
        {
            'id': numbers[image.record.name],
            'file_name': image.record.name + Path(image.record.image).suffix,
            'height': image.size[0],
            'width': image.size[1],
        }
        for image in errors.images
    )
    categories = ({'id': kind, 'name': name} for kind, name in enumerate(index.classes, start=1))
    annotations = (
        {
            'id': number,
            'image_id': numbers[one.image],
            'category_id': one.suggested + 1,
            'segmentation': _polygons(one),
            'area': one.pixels,
            'bbox': list(one.box),
            'iscrowd': 0,
            'score': round(one.score, 3),
            'attributes': {'given': index.classes[one.given], 'key': one.key},
        }
        for number, one in enumerate(errors.components, start=1)
    )
    lists = {'images': images, 'categories': categories, 'annotations': annotations}
    with atomic_path(folder / COCO_FILE) as temporary, temporary.open('w', encoding='utf-8') as file:
        file.writelines(_json_lines(lists))


def _json_lines(lists: Mapping[str, Iterable[dict[str, Any]]]) -> Iterator[str]:
    """JSON of an object of lists, an item a line, so that only one of them is in memory as text."""
    opening = '{'
    for key, items in lists.items():
        yield f'{opening}\n{json.dumps(key)}: ['
        opening, comma = '],', ''
        for item in items:
            yield f'{comma}\n {json.dumps(item, ensure_ascii=False)}'
            comma = ','
    yield ']\n}\n'


def _polygons(component: Component) -> list[list[int]]:
    """Outlines that enclose something; of a component without, as a line of pixels is, its box."""
    left, top, width, height = component.box
    box = [left, top, left + width, top, left + width, top + height, left, top + height]
    return [outline.tolist() for outline in component.polygons if len(outline) >= 6] or [box]
