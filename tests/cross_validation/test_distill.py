"""A model trained on everything that learns from the folds, from the command to its weights."""

from own_config import write_own_config

from mmseg_custom.datasets.folds.fold_file import read_split
from mmseg_custom.hooks.distillation_hook import Teachers
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, load_weights
from mmseg_custom.ledger.run_folder import one_model_of


def test_each_image_is_taught_by_the_fold_that_holds_it_out(kfold):
    told = kfold(write_own_config(), '--refit', '--distill')
    teachers, folds = Teachers.read('w/distill/teachers.json'), read_split('w/folds.json').folds
    assert len(teachers.images) == sum(map(len, folds)) == 8
    for path, teacher in teachers.images.items():
        assert any(path.endswith(name) or name in path for name in folds[teacher]), path
    assert teachers.digests == [hash_weights(load_weights(f'w/stage1/fold{fold}.pth')) for fold in (1, 2)]
    assert 'distill: one model on all 8 images of the folds' in told
    assert one_model_of('w').as_posix() == 'w/distill/full.pth'
    refit, distilled = (load_weights(f'w/{name}/full.pth') for name in ('refit', 'distill'))
    assert hash_weights(refit) != hash_weights(distilled) and refit.keys() == distilled.keys()
