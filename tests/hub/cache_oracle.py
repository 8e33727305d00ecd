#!/usr/bin/env python3
"""Compares pare's cache with huggingface_hub: cache_oracle.py --pare PROGRAM [--kills N] [TEST...]

Each finds what the other downloaded from the same server, and waits for the other's lock. A pare that is killed at N
random moments (default 10) always leaves a cache that huggingface_hub finds valid.
"""
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time

import common
from common import HubTest, Model, sharded_model, tiny_model

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
import huggingface_hub  # noqa: E402

KILLS = 10


class Oracle(HubTest):
    def hub_python(self, code, **variables):
        """What huggingface_hub prints in a process with the environment of pare."""
        done = subprocess.run([sys.executable, "-c", "import huggingface_hub as h\n" + code], text=True, timeout=120,
                              env=self.environment(HF_HUB_DISABLE_PROGRESS_BARS="1", **variables), capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def require_valid(self):
        """No warning of scan_cache_dir(); every link leads to a blob with the hash that is its name."""
        if not os.path.isdir(self.cache):
            return None
        info = huggingface_hub.scan_cache_dir(self.cache)
        self.assertEqual(list(info.warnings), [])
        for repository in info.repos:
            for revision in repository.revisions:
                for file in revision.files:
                    with open(file.file_path, "rb") as opened:
                        data = opened.read()
                    name = file.blob_path.name
                    found = hashlib.sha256(data).hexdigest() if len(name) == 64 else common.hub_server.git_hash(data)
                    self.assertEqual(found, name, file.file_path)
        return info

    def test_huggingface_hub_finds_what_pare_downloaded(self):
        for make in (tiny_model, sharded_model):
            model = self.hub.models["org/model"] = make()
            self.inspect("org/model")
            folder = self.hub_python("print(h.snapshot_download('org/model', local_files_only=True))")
            self.assertEqual(folder, self.in_cache("models--org--model/snapshots", model.commit))
            self.assertEqual(self.hub_python("print(h.try_to_load_from_cache('org/model', 'config.json'))"),
                             os.path.join(folder, "config.json"))
            before = len(self.hub.seen("store"))
            for name in model.large:
                path = self.hub_python(f"print(h.hf_hub_download('org/model', {name!r}))")
                self.assertEqual(path, os.path.join(folder, name))
            self.assertEqual(len(self.hub.seen("store")), before, "nothing is downloaded again")
            self.require_valid()
            shutil.rmtree(self.cache)

    def test_huggingface_hub_adds_what_pare_left_out(self):
        model = self.hub.models["org/model"] = tiny_model()
        self.inspect("org/model")
        before = len(self.hub.seen("store"))
        self.hub_python("h.snapshot_download('org/model')")
        self.assertEqual(len(self.hub.seen("store")), before)
        info = self.require_valid()
        self.assertEqual({file.file_name for repository in info.repos for revision in repository.revisions
                          for file in revision.files}, {os.path.basename(name) for name in model.files})

    def test_pare_finds_what_huggingface_hub_downloaded(self):
        model = self.hub.models["org/model"] = tiny_model(revisions=["v1"])
        self.hub_python("h.snapshot_download('org/model'); h.snapshot_download('org/model', revision='v1')")
        before = len(self.hub.requests)
        self.inspect("org/model")
        self.inspect("org/model@v1")
        self.inspect("org/model@" + model.commit)
        self.assertEqual(len(self.hub.requests), before)

    def test_pare_completes_what_huggingface_hub_began(self):
        self.hub.models["org/model"] = tiny_model()
        self.hub_python("h.hf_hub_download('org/model', 'config.json')")
        before = len(self.hub.seen("hub", "config.json"))
        self.inspect("org/model")
        self.assertEqual(len(self.hub.seen("hub", "config.json")), before)
        self.require_valid()

    def test_blobs_are_named_alike(self):
        model = self.hub.models["org/model"] = tiny_model()
        self.inspect("org/model")
        pares = {name for name in self.files_in_cache() if "/blobs/" in name}
        shutil.rmtree(self.cache)
        names = [name for name in model.files if name in ("config.json", "model.safetensors", "tokenizer.json")]
        self.hub_python(f"for name in {names!r}: h.hf_hub_download('org/model', name)")
        self.assertEqual({name for name in self.files_in_cache() if "/blobs/" in name}, pares)

    def test_each_waits_for_the_lock_of_the_other(self):
        self.hub.models["org/model"] = tiny_model(1 << 20)
        self.hub.piece, self.hub.pause = 1 << 18, 0.1
        pare = self.start("inspect", "org/model")
        self.hub_python("h.hf_hub_download('org/model', 'model.safetensors')")
        self.assertEqual(pare.communicate(timeout=60)[1], "")
        self.assertEqual(pare.returncode, 0)
        self.assertEqual(len(self.hub.seen("store")), 1)
        shutil.rmtree(self.cache)
        held = ("import time, os\nfrom huggingface_hub.utils import WeakFileLock\n"
                f"os.makedirs({self.in_cache('.locks/models--org--model')!r}, exist_ok=True)\n"
                f"with WeakFileLock({self.in_cache('.locks/models--org--model', '%s.lock')!r}):\n"
                "    print('held', flush=True)\n    time.sleep(1)")
        etag = self.hub.models["org/model"].etag("model.safetensors")
        holder = subprocess.Popen([sys.executable, "-c", held % etag], env=self.environment(), text=True,
                                  stdout=subprocess.PIPE)
        self.assertEqual(holder.stdout.readline(), "held\n")
        self.hub.pause = 0
        begin = time.monotonic()
        self.inspect("org/model")
        self.assertGreater(time.monotonic() - begin, 0.7)
        holder.communicate()

    def test_settings_are_read_alike(self):
        """The same token goes to the same server."""
        self.hub.models["org/model"] = tiny_model(token="hf_a")
        self.hub.tokens.add("hf_a")
        for variables in ({"HF_TOKEN": " hf_a\n"}, {"HUGGING_FACE_HUB_TOKEN": "hf_a"}):
            for download in (lambda: self.inspect("org/model", **variables),
                             lambda: self.hub_python("h.snapshot_download('org/model')", **variables)):
                shutil.rmtree(self.cache, ignore_errors=True)
                self.hub.requests.clear()
                download()
                self.assertEqual({request[3].get("Authorization", request[3].get("authorization"))
                                  for request in self.hub.seen("hub", "org/model")}, {"Bearer hf_a"})
                self.assertEqual({request[3].get("Authorization") for request in self.hub.seen("store")}, {None})

    def test_kills(self):
        generator = random.Random(1)
        self.hub.models["org/model"] = sharded_model(shards=3, elements=1 << 18)
        self.hub.piece, self.hub.pause = 1 << 16, 0.004
        whole = self.time_of_download()
        kills = whole_caches = 0
        while kills < KILLS:
            process = self.start("inspect", "org/model")
            try:
                process.wait(generator.uniform(0, 0.5 * whole))
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
            error = process.communicate()[1]
            self.require_valid()
            if process.returncode == 0:
                folder = self.hub_python("print(h.snapshot_download('org/model', local_files_only=True))")
                self.assertEqual(sorted(os.listdir(folder)), sorted(self.hub.models["org/model"].files))
                shutil.rmtree(self.cache)
                whole_caches += 1
            else:
                self.assertEqual(error, "")
        print(f"{kills} kills, {whole_caches} downloads completed; one takes {whole:.1f} s", file=sys.stderr)

    def time_of_download(self):
        begin = time.monotonic()
        self.inspect("org/model")
        shutil.rmtree(self.cache)
        return time.monotonic() - begin


if __name__ == "__main__":
    if "--kills" in sys.argv:
        at = sys.argv.index("--kills")
        KILLS = int(sys.argv[at + 1])
        del sys.argv[at:at + 2]
    common.main()
