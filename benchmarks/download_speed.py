#!/usr/bin/env python3
"""Downloads 1 GB from a local server with `pare download` and with curl:

    download_speed.py --pare PROGRAM [--bytes N] [--runs N]

Both write to the same directory, in turn, five times each by default; the medians are compared. pare also computes the
SHA-256 and syncs the file. The server sends the file from the page cache without a copy (sendfile).
"""
import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "hub"))
from hub_server import FileBytes, HubServer, Model  # noqa: E402


def timed(command, environment):
    begin = time.monotonic()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pare", required=True)
    parser.add_argument("--bytes", type=int, default=1_000_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pare-download-") as folder:
        source = os.path.join(folder, "source")
        block = os.urandom(1 << 24)
        header = json.dumps({"w": {"dtype": "U8", "shape": [options.bytes], "data_offsets": [0, options.bytes]}}).encode()
        with open(source, "wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            for begin in range(0, options.bytes, len(block)):
                file.write(block[:options.bytes - begin])
            os.fsync(file.fileno())  # or the system writes it while pare syncs its own
        data = FileBytes(open(source, "rb"))
        model = Model({"model.safetensors": data}, large={"model.safetensors"})
        model.hashes["model.safetensors"] = hashlib.sha256(data).hexdigest()
        hub = HubServer()
        hub.models["org/model"] = model
        url = f"{hub.url}/org/model/resolve/{model.commit}/model.safetensors"
        cache, copy = os.path.join(folder, "cache"), os.path.join(folder, "copy")
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "HF_HUB_CACHE": cache, "HF_ENDPOINT": hub.url}
        times = {"curl": [], "pare": []}
        for _ in range(options.runs):
            times["curl"].append(timed(["curl", "-sSL", "-o", copy, url], environment))
            os.remove(copy)
            times["pare"].append(timed([os.path.abspath(options.pare), "download", "org/model"], environment))
            shutil.rmtree(cache)
        for name, seconds in times.items():
            print(f"{name}: {options.bytes / 1e6 / statistics.median(seconds):.0f} MB/s "
                  f"({', '.join(f'{second:.2f}' for second in seconds)} s)")
        ratio = statistics.median(times["curl"]) / statistics.median(times["pare"])
        print(f"pare reaches {ratio:.2f} of curl's speed")
        hub.close()


if __name__ == "__main__":
    main()
