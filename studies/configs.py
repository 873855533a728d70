"""From an experiment to the configs of its plan."""

from math import ceil
from pathlib import Path

from mmengine.config import Config

from mmseg_custom.plan_file import read_config
from studies.experiments import WIDTH, Experiment, Phase

ROOT = Path(__file__).resolve().parent.parent
CONFIGS, SWITCHES = ROOT / 'configs', ROOT / 'studies/switches'
SIZE = (320, 240)  # (width, height)
DILATIONS = (6, 12, 18)  # half of 12, 24, 36: the features are 30 x 40, not 64 x 128
# Backbones of an eighth of the width and heads of 32 channels, for all alike; ResNet-10 in the place of ResNet-34.
AUXILIARY = {'in_channels': 4 * WIDTH, 'channels': 16}
NORM = {'type': 'BN', 'requires_grad': True}
STOCK = {
    'pretrained': None,
    'backbone': {'base_channels': WIDTH, 'norm_cfg': NORM},
    'decode_head': {
        'in_channels': 8 * WIDTH,
        'channels': 32,
        'c1_in_channels': WIDTH,
        'c1_channels': 12,
        'dilations': (1, *DILATIONS),
        'num_classes': 11,
        'norm_cfg': NORM,
    },
    'auxiliary_head': {**AUXILIARY, 'num_classes': 11, 'norm_cfg': NORM},
}
SIZED = {
    'Resize': {'scale': SIZE},
    'RandomResize': {'scale': SIZE},
    'RandomCrop': {'crop_size': SIZE[::-1]},
}
BLOCKS = {'group_by': 'block', 'block_size': 20}
POWER = 0.9  # of the poly curve
BALANCED = 'ClassBalancedSampler'


class Lab:
    """Writes the plans of experiments.

    Args:
        folder: Of all experiments.
        data: Of CamVid.
        images: In its train list.
    """

    def __init__(self, folder: Path, data: Path, images: int) -> None:
        self.folder, self.data, self.images = folder.resolve(), data.resolve(), images

    def plan(self, experiment: Experiment) -> Path:
        """Write the configs of an experiment, a complete one a stage; returns their folder."""
        folder = self.folder / experiment.key / 'configs'
        folder.mkdir(parents=True, exist_ok=True)
        for stage in range(1, len(experiment.phases) + 1):
            self._config(experiment, stage).dump(folder / f'{experiment.key}_stage{stage}.py')
        return folder

    def train_on(self, every: int, held_out: str = '') -> Path:
        """A data set with every ``every``-th image of the train list and the whole val list, made of links.

        With a drive that is held out, val is that drive of the train list, and train the others.
        """
        if held_out:
            return self._without_drive(held_out)
        if every == 1:
            return self.data
        fewer = self.folder / f'every_{every}'
        for kind in ('images', 'labels'):
            (fewer / kind / 'train').mkdir(parents=True, exist_ok=True)
            _link(fewer / kind / 'val', self.data / kind / 'val')
            for file in sorted((self.data / kind / 'train').iterdir())[::every]:
                _link(fewer / kind / 'train' / file.name, file)
        return fewer

    def _images(self, experiment: Experiment) -> int:
        if not experiment.held_out:
            return ceil(self.images / experiment.every)
        return len(list((self._without_drive(experiment.held_out) / 'images/train').iterdir()))

    def _without_drive(self, drive: str) -> Path:
        folder = self.folder / f'without_{drive}'
        for kind in ('images', 'labels'):
            for file in sorted((self.data / kind / 'train').iterdir()):
                split = 'val' if file.name.startswith(drive) else 'train'
                (folder / kind / split).mkdir(parents=True, exist_ok=True)
                _link(folder / kind / split / file.name, file)
        return folder

    def _config(self, experiment: Experiment, stage: int) -> Config:
        cfg = Config(base(experiment.recipe, stage, experiment.width)._cfg_dict, format_python_code=False)
        phase, stages = experiment.phases[stage - 1], self.folder / experiment.key
        cfg.work_dir, cfg.num_folds = str(stages / 'runs' / f'stage{stage}'), phase.folds
        cfg.load_from = str(stages / f'stage{stage - 1}' / 'winner.pth') if stage > 1 else None
        cfg.merge_from_dict(
            {
                'default_hooks.fold_average.stage_dir': str(stages / f'stage{stage}'),
                'default_hooks.history.patience': None,
                'default_hooks.logger.interval': 10,
                'env_cfg.num_threads': 1,
                'channels_last': True,
                'randomness.seed': experiment.seed,
                'train_cfg.max_epochs': experiment.epochs(phase),
                'train_cfg.val_interval': experiment.every * (1 if phase.folds else 2),
            }
        )
        self._set_data(cfg, experiment, phase)
        if experiment.recipe in ('published', 'reference'):
            _shorten_reference_schedule(cfg, cfg.train_cfg.max_epochs)
        elif experiment.recipe in ('strong', 'stock', 'pretrained'):
            self._carry_schedule(cfg, experiment, stage)
        if experiment.recipe == 'pretrained':
            cfg.default_hooks.fold_average.candidates = ['best_fold', {'type': 'all_folds', 'bn': 'both'}, 'ensemble']
        if experiment.recipe == 'strong':
            cfg.default_hooks.fold_average.update(candidates=cfg.candidates, keep_last=True)
        if experiment.leak_free:
            cfg.default_hooks.fold_average.init = 'own_fold'
        return cfg

    def _set_data(self, cfg: Config, experiment: Experiment, phase: Phase) -> None:
        number, blocks = phase.folds or 4, experiment.leak_free
        data = self.train_on(experiment.every, experiment.held_out)
        prepared = self.folder if data == self.data else data
        file = prepared / f'{"blocks" if blocks else "folds"}_{number}.json'
        folds = {'file': str(file), 'num_folds': number, **(BLOCKS if blocks else {})}
        for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
            loader.update(num_workers=0, persistent_workers=False)
            loader.dataset.update(data_root=str(data), packed=None)
            loader.dataset.folds.update(folds)
            for step in loader.dataset.pipeline:
                step.update(SIZED.get(step['type'], {}))
        if cfg.train_dataloader.sampler.type == BALANCED:
            cfg.train_dataloader.sampler.counts = str(prepared / 'class_statistics.json')

    def _carry_schedule(self, cfg: Config, experiment: Experiment, stage: int) -> None:
        """One poly curve over all stages of a worker.

        What is left of a poly curve is one itself: it begins at ``lr * (left / all) ** power``. It is cut off
        before its end where ``last_rate`` says so.
        """
        images, batch_size = self._images(experiment), cfg.train_dataloader.batch_size
        steps = [experiment.epochs(phase) * ceil(images * phase.share / batch_size) for phase in experiment.phases]
        length = round(curve_length(sum(steps), experiment.last_rate))
        left = length - sum(steps[: stage - 1])
        optimizer = cfg.optim_wrapper.optimizer
        optimizer.lr = (experiment.lr or optimizer.lr) * (left / length) ** POWER
        poly = {'type': 'PolyLR', 'power': POWER, 'eta_min': 0.0, 'end': left, 'by_epoch': False}
        warm_up = {'type': 'LinearLR', 'start_factor': 0.01, 'end': experiment.warm_up, 'by_epoch': False}
        cfg.param_scheduler = [warm_up, poly] if stage > 1 and experiment.warm_up else poly


def curve_length(taken: float, last_rate: float) -> float:
    """Length of a poly curve that is down to ``last_rate`` of its beginning where ``taken`` of it is done."""
    return taken / (1 - last_rate ** (1 / POWER))


def _link(link: Path, target: Path) -> None:
    if not link.is_symlink():
        link.symlink_to(target)


def base(recipe: str, stage: int, width: int = WIDTH) -> Config:
    """The config that a recipe's stage departs from, with the narrow network."""
    if recipe in ('published', 'reference'):
        cfg = read_config(CONFIGS / f'camvid_stage{min(stage, 3)}.py')
        if recipe == 'published' and stage > 1:
            cfg.model.decode_head.loss_decode = {'type': 'SoftDiceLoss', 'loss_weight': 0.4}
    elif recipe == 'stock':
        return _stock()
    elif recipe == 'strong':
        cfg = Config.fromfile(CONFIGS / 'strong/camvid_single.py')
    elif recipe == 'pretrained':
        return Config.fromfile(CONFIGS / 'strong/pretrained/pretrained_camvid_single.py')
    else:
        cfg = Config.fromfile(SWITCHES / f'{recipe}.py' if recipe != 'base' else CONFIGS / 'strong/base.py')
    cfg.merge_from_dict({'model': _ours(width)})
    if 'auxiliary_head' in cfg.model:
        cfg.model.auxiliary_head.update(AUXILIARY, in_channels=4 * width)
    return cfg


def _ours(width: int) -> dict[str, dict]:
    return {
        'backbone': {'depth': 10, 'base_channels': width},
        'decode_head': {
            'in_channels': (width, 8 * width),
            'aspp_channels': 32,
            'c1_channels': 12,
            'channels': 32,
            'dilations': DILATIONS,
        },
    }


def _stock() -> Config:
    """MMSegmentation's DeepLabV3+ R-18-D8 with its augmentation and optimizer, read and scored as all others.

    Its batches are as small as the others': at so few passes it is the number of steps that counts.
    """
    cfg = read_config(CONFIGS / 'camvid_stage1.py')
    host = Config.fromfile(CONFIGS / 'stock/deeplabv3plus_r18.py')
    host.merge_from_dict({'model': STOCK})
    preprocessor = cfg.model.data_preprocessor
    cfg.model, cfg.optim_wrapper = host.model, host.optim_wrapper
    cfg.model.data_preprocessor = preprocessor
    steps = [step for step in host.train_pipeline if not step['type'].startswith(('Load', 'Pack'))]
    cfg.train_dataloader.dataset.pipeline = [*cfg.read_image, *cfg.read_label, *steps, *cfg.pack]
    return cfg


def _shorten_reference_schedule(cfg: Config, epochs: int) -> None:
    """Its cosine ends, and its first cycle with restarts ends, with the run."""
    schedule = cfg.param_scheduler
    if schedule.type == 'CosineAnnealingLR':
        schedule.T_max = epochs
    elif schedule.type == 'CosineRestartLR':
        schedule.update(periods=[epochs], restart_weights=[1])
