"""Every speed claim, measured: `python benchmarks/run.py`.

Prints one table: a group of lines for each piece of work, with ours, what others would run, and the floor, which no
implementation can avoid. All of a group take turns in the same run. Results are compared before anything is timed.
A second table says how cost grows, and what happens beside a busy process.

`--with-peers` makes an environment for the packages that ours has not, from benchmarks/requirements.txt.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from benchmarks.frame import Case, Contender, time_in_turns
from benchmarks.machine import busy_processes, describe_machine, set_threads
from benchmarks.options import Options
from benchmarks.peers.client import Peers
from benchmarks.rows import ROWS
from benchmarks.table import Result, growth_table, main_table
from benchmarks.worker import Worker


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Measures ours, the peers and the floor.')
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    names = list(dict.fromkeys(case.row for _, case in all_cases(Options(), Peers(None))))
    parser.add_argument('--only', metavar='ROWS', default=','.join(names), help='default: %(default)s')
    parser.add_argument('--json', type=Path, metavar='FILE', help='keep all figures')
    parser.add_argument('--threads', type=int, default=Options.threads, help='default: %(default)s')
    parser.add_argument('--device', default=device, help='default: %(default)s')
    parser.add_argument('--load', type=int, default=0, metavar='N', help='busy processes beside everything')
    parser.add_argument('--quick', action='store_true', help='small sizes: shows that everything runs, no more')
    parser.add_argument(
        '--rounds', type=int, default=Options.rounds, help='turns at most, fewer than each row would take'
    )
    parser.add_argument('--full', action='store_true', help='also batch 8, compilation, emulated bf16')
    parser.add_argument('--checkpoint', metavar='FILE', help='trained weights of configs/stage5.py for inference')
    parser.add_argument('--no-growth', dest='scaling', action='store_false', help='leave out the second table')
    parser.add_argument('--data', default=Options.data, help='folder for the street scenes (default: %(default)s)')
    parser.add_argument('--peers-python', metavar='PYTHON', help='interpreter of an environment with the peers')
    parser.add_argument('--with-peers', action='store_true', help='make that environment, once')
    args = parser.parse_args()
    args.only = args.only.split(',')
    unknown = sorted(set(args.only) - set(names))
    if unknown:
        parser.error(f'--only {",".join(unknown)}: the rows are {", ".join(names)}')
    return args


def say(text: str) -> None:
    print(text, flush=True)


def measure(case: Case, key: tuple[str, int], options: Options, peers: Peers) -> Result:
    """Run one case; what fails is told in its place, and the others go on."""
    threads = case.threads or options.threads
    set_threads(threads)
    try:
        trial = case.build()
        with busy_processes(case.load):
            timings = time_in_turns(trial, min(case.rounds, options.rounds))
        for contender, timing in zip(trial.contenders, timings, strict=True):
            if case.memory and contender.measure:
                timing.megabytes = memory_of(contender, key, options, peers)
    except (Exception, SystemExit) as error:  # Hours may have gone into the other rows.
        return Result(case, threads, [], f'{type(error).__name__}: {error}')
    return Result(case, threads, timings)


def all_cases(options: Options, peers: Peers) -> Iterator[tuple[tuple[str, int], Case]]:
    """Every case, with what finds it again in another process."""
    for name, cases in ROWS.items():
        for number, case in enumerate(cases(options, peers)):
            yield (name, number), case


def memory_of(contender: Contender, key: tuple[str, int], options: Options, peers: Peers) -> float:
    """Peak memory of a contender, in a process of its own."""
    if contender.elsewhere is None:
        python, module, arguments = sys.executable, 'benchmarks.own_worker', {'key': key, 'options': asdict(options)}
    else:
        python, module, arguments = peers.python, 'benchmarks.peers', contender.elsewhere
    worker = Worker(python, module, frugal=True)
    try:
        worker.ask(prepare=contender.name, **arguments)
        return worker.extra_megabytes(contender.name)
    finally:
        worker.close()


def keep(file: Path, facts: dict, results: list[Result]) -> None:
    content = {'machine': facts, 'rows': [result.record() for result in results]}
    file.write_text(json.dumps(content, indent=1))


def main() -> None:
    args = parse_args()
    options = Options(**{field.name: getattr(args, field.name) for field in fields(Options)})
    peers = Peers.installed(args.peers_python, args.with_peers)
    facts = {**describe_machine(options.device, options.threads), 'peers': peers.versions() or 'not installed'}
    say('\n'.join(f'{name}: {fact}' for name, fact in facts.items()))
    results = []
    with busy_processes(args.load):
        for key, case in all_cases(options, peers):
            if case.row in args.only and (case.axis is None or options.scaling):
                say(f'{case.row}: {case.work}{f", {case.axis} {case.value}" if case.axis else ""}')
                results.append(measure(case, key, options, peers))
                if args.json:  # After every case: a run that is cut short keeps what it has.
                    keep(args.json, facts, results)
    peers.close()
    tables = [main_table(result for result in results if result.case.axis is None)]
    if options.scaling:
        tables.append(growth_table(result for result in results if result.case.axis))
    say('\n'.join(['', *tables]))
    if any(result.failure for result in results):
        raise SystemExit(1)


if __name__ == '__main__':
    main()
