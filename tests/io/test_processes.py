import subprocess
import sys

FREED = 300_000_000
MEASURE = f"""
from mmseg_custom.io.processes import peak_memory
before = peak_memory()
held = bytearray(b'x' * {FREED})
del held
print(before, peak_memory())
"""


def test_peak_memory_is_in_bytes_and_keeps_what_was_freed():
    held = bytearray(b'x' * 5 * FREED)  # What started a process does not count.
    found = subprocess.run([sys.executable, '-c', MEASURE], capture_output=True, text=True, check=True)
    before, after = map(int, found.stdout.split())
    assert before < len(held) and FREED / 2 < after - before < 3 * FREED
