import subprocess
import sys

FREED = 300_000_000
MEASURE = f"""
from mmseg_custom.engine.processes import peak_memory
before = peak_memory()
held = bytearray(b'x' * {FREED})
del held
print(before, peak_memory())
"""


def test_peak_memory_is_in_bytes_and_keeps_what_was_freed():
    found = subprocess.run([sys.executable, '-c', MEASURE], capture_output=True, text=True, check=True)
    before, after = map(int, found.stdout.split())
    assert FREED / 2 < after - before < 3 * FREED
