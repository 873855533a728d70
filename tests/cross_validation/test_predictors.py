from types import SimpleNamespace

import pytest

from mmseg_custom.cross_validation.predictors import SeenError, choose_in_sample, choose_predictors, refuse_seen
from mmseg_custom.ledger.images import Images
from mmseg_custom.ledger.lineage import UNKNOWN, with_images


class DataSet(list):
    """A data set that names no files of its own: what it has seen is known by the checksums alone."""


def fold(name, held_out, trained, **lineage):
    """A trained fold that holds out images and whose weights were trained on others, by the number of each."""
    images = Images.of(trained)
    before = {'parents': [], 'seen': [], **lineage}
    known = with_images(before, {'split': 'images', 'checksum': images.checksum()}, images)
    checksums = {f'image{number}': number for number in held_out}
    return SimpleNamespace(
        name=name,
        entry={'lineage': known},
        checksums=checksums,
        samples={key: {} for key in checksums},
        held_out=DataSet(checksums),
        trained_names={f'image{number}' for number in trained},
    )


def chosen(folds):
    return [(part.holder.name, part.predictor.name, part.names, part.seen) for part in choose_predictors(folds)]


def test_each_image_is_predicted_by_the_fold_that_holds_it_out():
    folds = [fold('fold1', [1, 2], [3, 4]), fold('fold2', [3, 4], [1, 2])]
    assert chosen(folds) == [
        ('fold1', 'fold1', ('image1', 'image2'), False),
        ('fold2', 'fold2', ('image3', 'image4'), False),
    ]
    refuse_seen(choose_predictors(folds), 1)


def test_a_copy_of_a_trained_image_goes_to_a_fold_that_has_not_seen_it():
    folds = [fold('fold1', [1, 2], [3, 2]), fold('fold2', [3], [1])]
    assert chosen(folds)[:2] == [('fold1', 'fold1', ('image1',), False), ('fold1', 'fold2', ('image2',), False)]


def test_images_that_all_may_have_seen_are_refused_by_name_or_marked():
    winner = {'parents': [{'file': 'stage1/winner.pth', 'weights': 'w'}]}
    folds = [fold('fold1', [1, 2], [1, 2, 3, 4], **winner), fold('fold2', [3, 4], [1, 2, 4], **winner)]
    parts = choose_predictors(folds)
    assert [(part.names, part.seen) for part in parts] == [
        (('image1', 'image2'), True),
        (('image3',), False),
        (('image4',), True),
    ]
    with pytest.raises(
        SeenError, match=r'3 of 4 images may have.*image1.*fold1 started from stage1/winner.*--stage 1'
    ):
        refuse_seen(parts, 2)


def test_a_first_stage_is_not_sent_to_itself_and_names_a_file_once():
    parents = [{'file': 'clip.pth', 'weights': 'w', 'part': part} for part in ('image_encoder', 'decode_head')]
    folds = [fold('fold1', [1], [2], seen=[UNKNOWN], parents=parents), fold('fold2', [2], [1])]
    with pytest.raises(
        SeenError, match=r'fold1 started from clip\.pth\. Train the folds from .* or add --allow-seen'
    ):
        refuse_seen(choose_predictors(folds), 1)


def test_weights_of_unknown_origin_may_have_seen_everything():
    folds = [fold('fold1', [1], [2], seen=[UNKNOWN]), fold('fold2', [2], [1])]
    assert chosen(folds)[0] == ('fold1', 'fold1', ('image1',), True)
    assert chosen(folds)[1] == ('fold2', 'fold2', ('image2',), False)


def test_in_sample_an_image_goes_to_the_next_fold_that_was_trained_on_it():
    folds = [fold('fold1', [1], [2, 3]), fold('fold2', [2], [3]), fold('fold3', [3], [1])]
    found = [(part.holder.name, part.predictor.name, part.names, part.seen) for part in choose_in_sample(folds)]
    assert found == [
        ('fold1', 'fold3', ('image1',), True),
        ('fold2', 'fold1', ('image2',), True),
        ('fold3', 'fold1', ('image3',), True),
    ]
    assert choose_in_sample([fold('fold1', [1], [2]), fold('fold2', [2], [3])])[0].names == ('image2',)
