"""Inspects a model with Dask: dask_inspect.py MODEL DIRECTORY N [SCHEDULER]

Each part is a task that runs pare. Without the address of a scheduler, the tasks run on this machine. All workers must
see MODEL and DIRECTORY.
"""
import subprocess
import sys

from dask.distributed import Client


def measure(model, part, parts, file):
    subprocess.run(["pare", "inspect", model, "--quiet", "--force", "--threads", "1", "--part", f"{part}/{parts}",
                    "-o", file], check=True)
    return file


def main():
    model, directory, parts = sys.argv[1], sys.argv[2], int(sys.argv[3])
    client = Client(sys.argv[4]) if len(sys.argv) > 4 else Client(processes=False, dashboard_address=None)
    with client:
        tasks = [client.submit(measure, model, part, parts, f"{directory}/part-{part}") for part in range(1, parts + 1)]
        files = client.gather(tasks)
    subprocess.run(["pare", "merge", *files], check=True)


if __name__ == "__main__":
    main()
