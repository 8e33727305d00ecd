"""Inspects a model with Ray: ray_inspect.py MODEL DIRECTORY N [ADDRESS]

Each part is a task that runs pare. Without the address of a cluster, the tasks run on this machine. All nodes must see
MODEL and DIRECTORY.
"""
import subprocess
import sys

import ray


@ray.remote(num_cpus=1)
def measure(model, part, parts, file):
    subprocess.run(["pare", "inspect", model, "--quiet", "--force", "--threads", "1", "--part", f"{part}/{parts}",
                    "-o", file], check=True)
    return file


def main():
    model, directory, parts = sys.argv[1], sys.argv[2], int(sys.argv[3])
    ray.init(address=sys.argv[4] if len(sys.argv) > 4 else None, include_dashboard=False, log_to_driver=False)
    files = ray.get([measure.remote(model, part, parts, f"{directory}/part-{part}") for part in range(1, parts + 1)])
    ray.shutdown()
    subprocess.run(["pare", "merge", *files], check=True)


if __name__ == "__main__":
    main()
