import json

import numpy as np
import pytest

from mmseg_custom.evaluation.kept_predictions import RECORDS, Index, KeptPredictions, Maps
from mmseg_custom.label_errors.files import COCO_FILE, write_coco
from mmseg_custom.label_errors.search import Search

NAMES = ['a/0', 'a/1']


@pytest.fixture
def kept(tmp_path):
    """Two images of class 0, the second with a block for which class 1 is predicted."""
    kept = KeptPredictions(tmp_path)
    for number, name in enumerate(NAMES):
        label, classes = np.zeros((2, 12, 12), np.uint8)
        classes[4:9, 4:9] = number
        wrong = int(classes.sum())
        maps = Maps(label, classes, np.where(classes, 51, 255).astype(np.uint8), np.full_like(label, 255))
        counts = [[0, 0, 144 - wrong], *([[0, 1, wrong]] if wrong else [])]
        sums = {'counts': counts, 'probability_sums': [144 - 0.8 * wrong, 0.0]}
        made_of = {'weights': 'w'}
        kept.write(
            maps, name=name, image='i', label='l', made_of=made_of, predicted_by='f', seen=False, quality=1, **sums
        )
    return kept


def test_what_is_in_memory_of_each_image_does_not_grow_with_its_classes(kept):
    found = Search(0, 1).run(kept, NAMES, lambda name, classes: None)
    assert found.thresholds.tolist() == [pytest.approx(1 - 0.8 * 25 / 288), 0]
    assert [image.record.name for image in found.images] == ['a/1', 'a/0'] and found.pixels == 25
    for image in found.images:
        assert not image.record.counts and not image.record.probability_sums and not image.record.made_of
        assert image.record.files == kept.record(image.record.name).files
    assert json.loads(kept.path(RECORDS, 'a/1').read_text())['counts'][1] == [0, 1, 25]


def test_components_are_annotations(kept, tmp_path):
    found = Search(0, 1).run(kept, NAMES, lambda name, classes: None)
    write_coco(found, Index(['x', 'y'], [[0, 0, 0]] * 2, NAMES), tmp_path)
    content = json.loads((tmp_path / COCO_FILE).read_text())
    assert [image['file_name'] for image in content['images']] == ['a/1', 'a/0']
    (one,) = content['annotations']
    assert (one['bbox'], one['area'], one['image_id'], one['category_id']) == ([4, 4, 5, 5], 25, 1, 2)
    found.components.clear()
    write_coco(found, Index(['x', 'y'], [[0, 0, 0]] * 2, NAMES), tmp_path)
    assert json.loads((tmp_path / COCO_FILE).read_text())['annotations'] == []
