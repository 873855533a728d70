"""What the figures were taken on, and other work beside them."""

import datetime
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import cv2
import torch

PACKAGES = ('torch', 'numpy', 'opencv-python', 'mmsegmentation', 'onedl-mmsegmentation', 'mmengine', 'onedl-mmengine')
BF16_FLAGS = ('amx_bf16', 'avx512_bf16')


def describe_machine(device: str, threads: int) -> dict[str, str]:
    """Machine, threads, load and date, in words."""
    cores, capability = len(os.sched_getaffinity(0)), torch.backends.cpu.get_cpu_capability()
    facts = {
        'date': datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
        'processor': f'{_processor()}, {cores} cores, {capability}',
        'bf16': bf16_note(device) or 'has bf16 instructions',
        'threads': str(threads),
        'load before': f'{os.getloadavg()[0]:.1f}',
        'python': platform.python_version(),
        **{name: version for name in PACKAGES if (version := _version(name))},
    }
    if torch.device(device).type == 'cuda':
        facts['device'] = torch.cuda.get_device_name(device)
    return facts


def bf16_note(device: str) -> str:
    """Empty where bfloat16 has instructions of its own; else what to think of its figures."""
    if torch.device(device).type == 'cuda':
        return '' if torch.cuda.is_bf16_supported(including_emulation=False) else 'bf16 is emulated on this GPU'
    flags = _cpu_fields().get('flags', '').split()
    return '' if any(flag in flags for flag in BF16_FLAGS) else 'bf16 is emulated: the processor has none'


def set_threads(threads: int) -> None:
    """Of PyTorch and OpenCV."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


@contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Have processes compute for nothing meanwhile."""
    processes = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _processor() -> str:
    return _cpu_fields().get('model name', platform.processor() or platform.machine())


def _cpu_fields() -> dict[str, str]:
    file = Path('/proc/cpuinfo')
    lines = file.read_text().splitlines() if file.is_file() else []
    return {key.strip(): value.strip() for key, _, value in (line.partition(':') for line in lines)}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
