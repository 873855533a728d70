"""Label errors as a page to look at and judge: one HTML file, and crops beside it."""

import base64
import hashlib
import json
import shutil
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmseg_custom.evaluation.kept_predictions import VOID, Index, KeptPredictions, Maps
from mmseg_custom.io.files import write_bytes
from mmseg_custom.label_errors.components import Component
from mmseg_custom.label_errors.crops import read_image, window_around, write_crops
from mmseg_custom.label_errors.files import SUGGESTIONS
from mmseg_custom.label_errors.search import ImageErrors, LabelErrors
from mmseg_custom.label_errors.verdicts import Verdicts

PAGE_FILE = 'label_errors.html'
CROPS = 'crops'
# Pictures of its own folder, its one script, nothing from anywhere.
POLICY = "default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'; script-src 'sha256-{}'"
TOLD_GAIN = 0.01  # Shifts by which a label agrees a little better are found in most images.
TEMPLATES = Path(__file__).parent / 'templates'


class Page:
    """The page of the surest components and the worst images.

    Args:
        kept: The predictions.
        index: What they are about.
        folder: Where the page goes; older crops there are deleted.
    """

    def __init__(self, kept: KeptPredictions, index: Index, folder: Path) -> None:
        self.kept, self.index, self.folder = kept, index, folder
        self.palette = np.array(index.palette, np.uint8)

    def write(self, title: str, facts: str, errors: LabelErrors, verdicts: Verdicts, most: int) -> Path:
        """Write the page.

        Args:
            title: Its heading.
            facts: A sentence below it.
            errors: What was found.
            verdicts: What was judged before.
            most: How many components, and how many images, are shown at most.
        """
        shutil.rmtree(self.folder / CROPS, ignore_errors=True)
        (self.folder / CROPS).mkdir(parents=True)
        by_name = {image.record.name: image for image in errors.images}
        worst = [image for image in errors.images if image.pixels]
        content = {
            'title': title,
            'facts': facts,
            'components': self._components(errors.components[:most], by_name),
            'images': [self._image(rank, one) for rank, one in enumerate(worst[:most], start=1)],
            'verdicts': dict(verdicts),
        }
        write_bytes(_filled(content).encode(), self.folder / PAGE_FILE)
        return self.folder / PAGE_FILE

    def _components(self, components: Sequence[Component], images: dict[str, ImageErrors]) -> list[dict[str, Any]]:
        """What the page has of each component, in their order; each image is read once."""
        ranked = sorted(enumerate(components, start=1), key=lambda item: item[1].image)
        found: dict[int, dict[str, Any]] = {}
        for name, items in groupby(ranked, key=lambda item: item[1].image):
            record = images[name].record
            maps = self.kept.maps(record)
            image = read_image(record.image, images[name].size)
            found |= {rank: self._component(rank, one, images[name], maps, image) for rank, one in items}
        return [found[rank] for rank in sorted(found)]

    def _component(self, rank: int, one: Component, of: ImageErrors, maps: Maps, image: np.ndarray) -> dict[str, Any]:
        crop = f'{CROPS}/component{rank}'
        given, suggested = self.index.classes[one.given], self.index.classes[one.suggested]
        size = write_crops(
            image, maps, one.mask(of.size), window_around(one.box, of.size), self.palette, self.folder / crop
        )
        return {
            'key': one.key,
            'pair': f'{given} → {suggested}',
            'pixels': one.pixels,
            'group': self._group(one.image),
            'heading': f'{rank}. {given}, rather {suggested}?',
            'detail': f'{one.image}: {one.score:.0f} times as probable, {one.pixels} pixels at {one.box[0]}, '
            f'{one.box[1]}; {_predicted(of)}',
            'crop': crop,
            'size': size,
        }

    def _image(self, rank: int, one: ImageErrors) -> dict[str, Any]:
        record, maps = one.record, self.kept.maps(one.record)
        crop = f'{CROPS}/image{rank}'
        whole = (slice(None), slice(None))
        suggestion = cv2.imread(str(self.folder / SUGGESTIONS / f'{record.name}.png'), cv2.IMREAD_UNCHANGED)
        size = write_crops(
            read_image(record.image, one.size), maps, suggestion != VOID, whole, self.palette, self.folder / crop
        )
        return {
            'key': record.name,
            'pixels': one.pixels,
            'group': self._group(record.name),
            'heading': f'{rank}. {record.name}',
            'detail': f'{100 * one.pixels / one.labelled:.1f} % of its pixels contradicted, {one.components} '
            f'components, quality {record.quality:.3f}{_misplaced(one)}; {_predicted(one)}',
            'crop': crop,
            'size': size,
        }

    def _group(self, name: str) -> str:
        """The group of an image, else its folder."""
        return self.index.groups.get(name) or Path(name).parent.as_posix()


def _misplaced(image: ImageErrors) -> str:
    down, right, gain = image.shift
    return (
        f'; moved by {down} down and {right} right it would agree in {100 * gain:.1f} % more'
        if gain >= TOLD_GAIN
        else ''
    )


def _predicted(image: ImageErrors) -> str:
    by = f'predicted by {image.record.predicted_by}'
    return f'{by}, which may have seen it' if image.record.seen else by


def _filled(content: dict[str, Any]) -> str:
    """The page as text; what comes from a user is data to its script, and only that script may run."""
    html, style, script = ((TEMPLATES / f'page.{kind}').read_text('utf-8') for kind in ('html', 'css', 'js'))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = {
        'policy': POLICY.format(digest),
        'style': style,
        'data': json.dumps(content, ensure_ascii=False).replace('<', '\\u003c'),
        'script': script,
    }
    pieces = html.split('{{')
    filled = (parts[name] + rest for name, _, rest in (piece.partition('}}') for piece in pieces[1:]))
    return pieces[0] + ''.join(filled)
