"""What the tests of downloads share: models, a cache, and pare as a process."""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import hub_server
from hub_server import HubServer, Model

PARE = os.environ.get("PARE", "pare")


def safetensors(elements=64, seed=1, name="h.0.w.weight"):
    """A file of one F32 matrix, of four rows."""
    header = json.dumps({name: {"dtype": "F32", "shape": [4, elements // 4], "data_offsets": [0, 4 * elements]}}).encode()
    values = (((i * 2654435761 + seed * 97) % 1009) / 1009 - 0.5 for i in range(min(elements, 4096)))
    block = b"".join(struct.pack("<f", value) for value in values)
    data = (block * (4 * elements // len(block) + 1))[:4 * elements]
    return struct.pack("<Q", len(header)) + header + data


def tiny_model(elements=64, **options):
    files = {"config.json": b'{"model_type": "x"}', "model.safetensors": safetensors(elements), "README.md": b"# tiny",
             "tokenizer.json": b"{}", "onnx/model.onnx": b"other", ".gitattributes": b"*"}
    return Model(files, large={"model.safetensors"}, **options)


def sharded_model(shards=3, elements=4096):
    files, where = {"config.json": b"{}"}, {}
    for i in range(shards):
        name = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        files[name] = safetensors(elements, seed=i, name=f"h.{i}.w.weight")
        where[f"h.{i}.w.weight"] = name
    files["model.safetensors.index.json"] = json.dumps({"weight_map": where}).encode()
    return Model(files, large={name for name in files if name.endswith(".safetensors")})


class HubTest(unittest.TestCase):
    """A server and an empty cache for each test."""

    def setUp(self):
        self.hub = HubServer()
        self.addCleanup(self.hub.close)
        self.folder = tempfile.mkdtemp(prefix="pare-hub-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.cache = os.path.join(self.folder, "home", "hub")

    def environment(self, **variables):
        kept = {key: os.environ[key] for key in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS") if key in os.environ}
        return {**kept, "LC_ALL": "C.UTF-8", "HOME": self.folder, "HF_HOME": os.path.join(self.folder, "home"),
                "HF_ENDPOINT": self.hub.url, **variables}

    def start(self, *arguments, limit=None, **variables):
        def set_limit():
            import resource
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        return subprocess.Popen([PARE, *arguments], env=self.environment(**variables), cwd=self.folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                preexec_fn=set_limit if limit is not None else None)

    def pare(self, *arguments, **variables):
        """(status, stdout, stderr)"""
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def inspect(self, name, **variables):
        status, out, err = self.pare("inspect", name, **variables)
        self.assertEqual((status, err), (0, ""), f"{name}: {err}")
        return out

    def failure(self, name, *parts, status=1, **variables):
        """The one line of a failed `pare inspect`, which has all of `parts`."""
        found, out, err = self.pare("inspect", name, **variables)
        self.assertEqual((found, out), (status, ""), err)
        self.assertEqual(err.count("\n"), 1, err)
        for part in parts:
            self.assertIn(part, err)
        return err

    def in_cache(self, *names):
        return os.path.join(self.cache, *names)

    def files_in_cache(self):
        found = []
        for directory, _, names in os.walk(self.cache):
            found += [os.path.relpath(os.path.join(directory, name), self.cache) for name in names]
        return sorted(name for name in found if not name.startswith(".locks"))


def main():
    global PARE
    if "--pare" in sys.argv:
        at = sys.argv.index("--pare")
        PARE = os.path.abspath(sys.argv[at + 1])
        del sys.argv[at:at + 2]
    unittest.main(module="__main__")
