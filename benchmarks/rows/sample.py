"""One training sample, from a pair of PNG files of Cityscapes' size to the pair the network takes, on one core."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.dataset import Compose
from mmseg.registry import TRANSFORMS
from PIL import Image

from benchmarks.frame import Case, Contender, Trial, timed
from benchmarks.network import working_size
from benchmarks.options import Options
from benchmarks.peers.client import Peers
from benchmarks.street_data import LEVELS, assert_same_sample, build_dataset
from mmseg_custom.datasets import KFoldDataset
from mmseg_custom.datasets.samplers.seeded_sampler import SampleKey

SEED, EPOCHS_CHECKED = 42, 3
Pairs = list[tuple[str, str]]


def cases(options: Options, peers: Peers) -> Iterator[Case]:
    for level in LEVELS:
        yield Case(
            'sample',
            f'PNG pair to network-ready pair, augmentation {level}',
            partial(build, options, peers, level),
            rounds=160,
            statistic='mean',
            threads=1,
        )


def build(options: Options, peers: Peers, level: str) -> Trial:
    """Each contender goes through the images in turn."""
    stored, from_files = (build_dataset(options, level, packed) for packed in (True, False))
    pairs = [(info['img_path'], info['seg_map_path']) for info in map(from_files.get_data_info, range(len(stored)))]
    height, width = working_size(options)
    raw = [stored[index] for index in range(len(stored))]
    works = {
        ('copy of the ready pair', 'floor'): lambda index: copy_of(raw[index]),
        ('packed store', 'ours'): reader(stored),
        ('from the files', 'twin'): reader(from_files),
        ('decoding the files, alone', 'floor'): lambda index: decode(*pairs[index]),
    }
    if level == 'none':
        works['Pillow, as published', 'peer'] = lambda index: read_with_pillow(*pairs[index], (width, height))
    else:
        works['mmseg stock pipeline', 'peer'] = mmseg_reader(pairs, stock_steps(height, width))
        works['mmseg resize, flip, distort', 'peer'] = mmseg_reader(pairs, simple_steps(height, width))
    contenders = [Contender(*key, timed(one_after_another(work, len(pairs)))) for key, work in works.items()]
    if level == 'standard':
        contenders.append(peers.contender('albumentations', threads=1, pairs=pairs, height=height, width=width))
    return Trial(contenders, lambda: check(stored, from_files))


def one_after_another(work: Callable[[int], object], length: int) -> Callable[[], object]:
    numbers = count()
    return lambda: work(next(numbers) % length)


def reader(dataset: KFoldDataset) -> Callable[[int], dict]:
    """As a loader of ours reads it: seeded for each sample, other randomness every time."""
    epochs = count()
    return lambda index: dataset[SampleKey(SEED, next(epochs), index)]


def check(stored: KFoldDataset, from_files: KFoldDataset) -> None:
    for epoch in range(EPOCHS_CHECKED):
        for index in range(len(stored)):
            key = SampleKey(SEED, epoch, index)
            assert_same_sample(stored[key], from_files[key])


def copy_of(sample: dict) -> list[torch.Tensor]:
    return [sample['inputs'].clone(), sample['data_samples'].gt_sem_seg.data.clone()]


def decode(image: str, label: str) -> tuple[np.ndarray, np.ndarray]:
    return cv2.imread(image), cv2.imread(label, cv2.IMREAD_UNCHANGED)


def read_with_pillow(image: str, label: str, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Decode, resize, table of ids, float tensor: what the published code does without augmentation."""
    with Image.open(image) as opened:
        pixels = np.asarray(opened.convert('RGB').resize(size, Image.Resampling.BILINEAR))
    with Image.open(label) as opened:
        ids = np.asarray(opened.resize(size, Image.Resampling.NEAREST))
    mapped = np.full(ids.shape, 255, np.int64)
    for train_id, raw in enumerate((7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)):
        mapped[ids == raw] = train_id
    scaled = torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32) / 255)
    return scaled, torch.from_numpy(mapped)


def stock_steps(height: int, width: int) -> list[dict]:
    """What MMSegmentation's Cityscapes configs do."""
    scale = {'type': 'RandomResize', 'scale': (2 * width, 2 * height), 'ratio_range': (0.5, 2.0), 'keep_ratio': True}
    return [scale, {'type': 'RandomCrop', 'crop_size': (height, width), 'cat_max_ratio': 0.75}]


def simple_steps(height: int, width: int) -> list[dict]:
    return [{'type': 'Resize', 'scale': (width, height), 'keep_ratio': False}]


def mmseg_reader(pairs: Pairs, sizing: list[dict]) -> Callable[[int], dict]:
    """A pipeline of MMSegmentation alone; the ids stay as they are in the file, which is less work than ours does."""
    steps = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}, *sizing]
    steps += [{'type': 'RandomFlip', 'prob': 0.5}, {'type': 'PhotoMetricDistortion'}, {'type': 'PackSegInputs'}]
    pipeline = Compose([TRANSFORMS.build(step) for step in steps])
    infos = [{'img_path': str(Path(image)), 'seg_map_path': str(Path(label))} for image, label in pairs]
    fixed = {'label_map': None, 'reduce_zero_label': False}
    return lambda index: pipeline({**infos[index], **fixed, 'seg_fields': []})
