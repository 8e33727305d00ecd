"""Running programs with a clock and an eye on their anonymous memory."""

import os
import statistics
import subprocess
import time
from pathlib import Path


def seconds(command):
    """Wall time of a whole process, from start to end."""
    begin = time.perf_counter()
    done = subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    spent = time.perf_counter() - begin
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return spent


def median_seconds(command, runs):
    return statistics.median(seconds(command) for _ in range(runs))


def side_by_side(first, second, runs):
    """Medians of two commands that take turns, so that both meet the same disturbances."""
    pairs = [(seconds(first), seconds(second)) for _ in range(runs)]
    return tuple(statistics.median(side) for side in zip(*pairs))


def peak_anonymous_bytes(command):
    """Highest RssAnon of a process, looked at every half millisecond; mapped files do not count."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    peak, status = 0, Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        for line in status.read_text().splitlines():
            if line.startswith("RssAnon:"):
                peak = max(peak, int(line.split()[1]) * 1024)
        time.sleep(0.0005)
    return peak


def warm(path):
    """Brings a file from the disk into the page cache, as a first reader would; everything here is measured from there."""
    with open(path, "rb", buffering=0) as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while file.read(1 << 24):
            pass


def write_back():
    """Lets the disk finish what earlier runs left to it."""
    os.sync()
