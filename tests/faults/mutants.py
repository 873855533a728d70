"""Change the code at some places, one at a time, and count what the tests notice: `make test-mutants`."""

import argparse
import random
import sys
from collections import Counter
from fnmatch import fnmatch

from mutmut import __main__ as mutmut

NOTICED = ('killed', 'timeout', 'segfault', 'caught by type check')


def draw(patterns: list[str], number: int, seed: int) -> list[str]:
    """The names of at most ``number`` changes of each source file, the same for the same seed and code."""
    mutmut.copy_src_dir()
    mutmut.copy_also_copy_files()
    mutmut.setup_source_paths()
    with mutmut.CatchOutput(spinner_title='Generating mutants'):
        mutmut.create_mutants(max_children=1)
    drawn = []
    for path, data in mutmut.collect_source_file_mutation_data(mutant_names=())[1].items():
        names = [name for name in data.exit_code_by_key if any(fnmatch(name, pattern) for pattern in patterns)]
        drawn += random.Random(f'{seed} {path}').sample(names, min(number, len(names)))
    return drawn


def report(names: list[str]) -> None:
    """Print what became of each source file's changes, and each that no test noticed."""
    total, drawn = Counter(), set(names)
    for path, data in mutmut.collect_source_file_mutation_data(mutant_names=())[1].items():
        found = {
            name: mutmut.status_by_exit_code[code] for name, code in data.exit_code_by_key.items() if name in drawn
        }
        if found:
            counts = Counter(found.values())
            total += counts
            print(path, summary(counts))
            print(*(f'    {status}: {name}' for name, status in found.items() if status not in NOTICED), sep='\n')
    print('all', summary(total))


def summary(counts: Counter) -> str:
    noticed = sum(counts[status] for status in NOTICED)
    return f'{noticed} of {counts.total()} ({noticed / counts.total():.1%}) {dict(counts)}'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('patterns', nargs='*', default=['*'], help="names of changes, as 'mmseg_custom.io.lease*'")
    parser.add_argument('--sample', type=int, default=sys.maxsize, help='at most so many of each source file')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--jobs', type=int, default=1)
    args = parser.parse_args()
    mutmut.set_mutant_under_test('mutant_generation')
    names = draw(args.patterns, args.sample, args.seed)
    mutmut._run(names, args.jobs)
    report(names)


if __name__ == '__main__':
    main()
