"""A local page to try networks on.

`python tools/demo.py CONFIG CHECKPOINT...`  these checkpoints
`python tools/demo.py work_dirs/streets`  the winners and ensembles of a recipe, or of one of its stages
`python tools/demo.py model.onnx`  a file of tools/export.py

CONFIG is only needed for checkpoints outside of a recipe's folders.
"""

import _bootstrap  # noqa: I001

import argparse

from mmseg_kfold.options import OVERRIDES, add_overrides, number

LOOPBACK = '127.0.0.1'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('arguments', nargs='+', metavar='[CONFIG] MODEL...', help='see above')
    parser.add_argument('--host', default=LOOPBACK, help=f'address to listen on (default: {LOOPBACK}, this machine)')
    parser.add_argument('--port', type=number(low=1, high=65535), help='port (default: the first free one from 7860)')
    parser.add_argument('--device', default='auto', help='cpu, cuda, cuda:1, ... (default: chosen)')
    add_overrides(parser, OVERRIDES)
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from mmseg_custom.errors import UserError
    from mmseg_custom.inference.demo_page import build_page
    from mmseg_custom.inference.model_choices import find_models, model_loader
    from mmseg_custom.inference.model_source import split_config
    from mmseg_custom.inference.networks import choose_device

    config, models = split_config(args.arguments)
    if not models:
        raise UserError('Name at least one model: [CONFIG] MODEL...')
    choices, device = find_models(models, config), choose_device(args.device)
    page, options = build_page(list(choices), model_loader(choices, device, args.cfg_options))
    _, address, _ = page.launch(server_name=args.host, server_port=args.port, prevent_thread_lock=True, **options)
    print(f'{len(choices)} models at {address}, Ctrl+C ends it')
    page.block_thread()


if __name__ == '__main__':
    _bootstrap.run(parse_args, main)
