"""Each room of the package imports only from those below it."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / 'mmseg_custom'
FROM_BELOW = (
    'errors',
    'messages',
    'stack',
    'options',
    'io',
    'fold_settings',
    'plan_file',
    'config',
    'models',
    'datasets',
    'averaging',
    'engine',
    'evaluation',
    'ledger',
    'fusion',
    'launchers',
    'plan',
    'hooks',
    'inference',
    'reports',
    'label_errors',
    'preflight',
    'cross_validation',
    'out_of_fold',
)


def rooms_imported(path):
    """The rooms that a module imports from, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or '').partition('.')[0] == PACKAGE.name:
            modules = [node.module] if '.' in node.module else [f'{node.module}.{one.name}' for one in node.names]
            yield from (module.split('.')[1] for module in modules)


def test_nothing_imports_upwards():
    files = [path for path in PACKAGE.rglob('*.py') if path.parent != PACKAGE or path.stem != '__init__']
    assert len(files) > 150
    for path in files:
        room = path.relative_to(PACKAGE).parts[0].removesuffix('.py')
        above = FROM_BELOW[FROM_BELOW.index(room) + 1 :]
        upwards = [name for name in rooms_imported(path) if name in above]
        assert not upwards, f'{path.relative_to(PACKAGE)} imports from {upwards}'


def test_the_floor_plan_names_every_room():
    # By their modules: after a move, caches may be all that a folder still holds.
    modules = [*PACKAGE.glob('*.py'), *PACKAGE.glob('*/__init__.py')]
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix('.py') for path in modules} - {'__init__'}
    plan = (PACKAGE.parent / 'CONTRIBUTING.md').read_text()
    assert rooms == set(FROM_BELOW)
    assert [room for room in rooms if f'`{room}/`' not in plan and f'`{room}.py`' not in plan] == []
