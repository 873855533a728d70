"""Check a data set and write its folds: `python tools/prepare_data.py configs/stage2.py --data-root DIR`."""

import _bootstrap  # noqa: I001

import argparse
import os
import sys
from pathlib import Path

from typing import TYPE_CHECKING

from mmseg_kfold.options import add_overrides, number

if TYPE_CHECKING:
    from mmengine.config import Config

    from mmseg_custom.datasets.prepare import Preparation

WEIGHTINGS = ('median_frequency', 'inverse_log')
LOADERS = ('train', 'val', 'test')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Check the pairs of a data set and write its folds, once.')
    parser.add_argument('config', help='any config of the recipe')
    parser.add_argument('--data-root', type=Path, help="where the data set is; linked to the config's data_root")
    parser.add_argument('--renew', action='store_true', help='replace a fold file that no longer fits')
    job = parser.add_mutually_exclusive_group()
    job.add_argument('--verify', action='store_true', help='read every image and label and list the faults, no more')
    job.add_argument('--class-weights', action='store_true', help='also count the pixels of each class')
    job.add_argument('--pack', action='store_true', help='also write the samples ready to use, for faster loading')
    parser.add_argument('--skip-list', metavar='FILE', help='with --verify: write the images to leave out')
    parser.add_argument('--weighting', choices=WEIGHTINGS, default='median_frequency', help='default: %(default)s')
    parser.add_argument(
        '--workers', type=number(low=1), default=os.cpu_count() or 1, help='processes (default: one a core)'
    )
    add_overrides(parser)
    args = parser.parse_args()
    if args.skip_list and not args.verify:
        parser.error('--skip-list needs --verify')
    return args


def show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f'\r{done}/{total}' + '\n' * (done == total))


def report_faults(cfg: 'Config', args: argparse.Namespace) -> None:
    from mmseg_custom.datasets.checks.skip_list import write_skip_list
    from mmseg_custom.datasets.checks.verify import describe_faults, examine

    if args.skip_list:  # The list is to be complete, so nothing is left out while it is made.
        cfg.train_dataloader.dataset.pop('skip_list', None)
    found = examine(cfg, args.workers, show_progress)
    faults = found.faults
    print(describe_faults(faults))
    print_notes(found.notes)
    if args.skip_list:
        names = {fault.skip for fault in faults if fault.skip}
        write_skip_list(names, args.skip_list)
        options = ' '.join(f'{loader}_dataloader.dataset.skip_list={args.skip_list}' for loader in LOADERS)
        print(
            f'{args.skip_list}: {len(names)} images to leave out. Set skip_list={args.skip_list!r} in the data set '
            f'of the config, or give every tool\n  --cfg-options {options}\nand make the folds anew with --renew.'
        )
    raise SystemExit(1 if faults else 0)


def print_notes(notes: list[str]) -> None:
    for note in notes:
        print(f'note: {note}')


def report_folds(done: 'Preparation') -> None:
    from mmseg_custom.datasets.folds.fold_file import describe_groups

    sizes = ', '.join(str(len(part)) for part in done.split.folds)
    print(f'{done.num_train} training and {done.num_val} validation images, each with its label')
    if done.groups:
        print(describe_groups(done.groups, done.split))
    print(f'{done.fold_file} ({"written" if done.is_new else "unchanged"}): {sizes} images, {done.split.hash[:12]}')


def report_classes(cfg: 'Config', args: argparse.Namespace, done: 'Preparation') -> None:
    from mmseg_custom.datasets import class_statistics as of_classes

    file = of_classes.statistics_file(done.fold_file)
    counts = of_classes.class_counts(cfg, done.split, file, args.workers, show_progress)
    weights = of_classes.class_weights(counts, args.weighting)
    of_classes.write_statistics(counts, args.weighting, file)
    print(of_classes.format_table(counts, weights))
    for line in of_classes.missing_classes(counts):
        print(f'warning: {line}')
    key = 'model.decode_head.loss_decode.class_weight'
    print(f'{key}={weights}'.replace(' ', ''))
    print(f'or, read from the file: {key}={file}')


def report_packing(cfg: 'Config', args: argparse.Namespace) -> None:
    from mmseg_custom.datasets.packed.pack import pack
    from mmseg_custom.io.files import readable_size

    for split in pack(cfg, args.workers, show_progress):
        state = f'{split.num_written} shards written' if split.num_written else 'up to date'
        print(f'{split.folder}: {split.num_samples} samples, {readable_size(split.num_bytes)}, {state}')


def main(args: argparse.Namespace) -> None:
    from mmengine.registry import init_default_scope

    from mmseg_custom.config import load_run_config
    from mmseg_custom.datasets.prepare import check_is_kfold, link_data_root, prepare

    cfg = load_run_config(args.config, cfg_options=args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    check_is_kfold(cfg)
    if args.data_root:
        link_data_root(cfg, args.data_root)
    if args.verify:
        report_faults(cfg, args)
    done = prepare(cfg, args.renew)
    report_folds(done)
    print_notes(done.notes)
    if args.class_weights:
        report_classes(cfg, args, done)
    if args.pack:
        report_packing(cfg, args)


if __name__ == '__main__':
    _bootstrap.run(parse_args, main)
