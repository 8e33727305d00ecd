"""A server like the Hub for the downloads under torture, and what must hold of the cache after each."""
import hashlib
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "hub"))
import common  # noqa: E402
from hub_server import HubServer, git_hash  # noqa: E402

NAME = "org/shards"
HOME = "home"  # HF_HOME, below the directory of a run


def server():
    hub = HubServer()
    hub.models[NAME] = common.sharded_model()
    return hub


def faults(home):
    """A blob is whole, or its name ends in .incomplete; what a snapshot names is there; a ref names a whole snapshot."""
    problems = []
    for folder, _, names in os.walk(home):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.exists(path):
                problems.append(f"{name} leads to nothing")
            elif os.path.basename(folder) == "blobs" and not name.endswith(".incomplete"):
                with open(path, "rb") as file:
                    data = file.read()
                if name not in (hashlib.sha256(data).hexdigest(), git_hash(data)):
                    problems.append(f"the blob {name} is partial")
            elif name.startswith(".tmp"):
                problems.append(f"left behind: {name}")
    return problems
