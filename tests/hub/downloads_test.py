#!/usr/bin/env python3
"""pare downloads models that are not in the cache: downloads_test.py --pare PROGRAM [TEST...]"""
import hashlib
import json
import os
import signal
import time
import unittest

import common
from common import HubTest, Model, safetensors, sharded_model, tiny_model

TOKEN = "hf_secretTokenOfTheTests"


class Downloads(HubTest):
    def test_the_cache_has_the_layout_of_huggingface_hub(self):
        model = self.hub.models["org/tiny"] = tiny_model()
        self.assertIn("h.0", self.inspect("org/tiny"))
        folder = "models--org--tiny"
        names = ["config.json", "model.safetensors", "tokenizer.json"]
        self.assertEqual(self.files_in_cache(), sorted(
            [f"{folder}/refs/main"] + [f"{folder}/blobs/{model.etag(name)}" for name in names] +
            [f"{folder}/snapshots/{model.commit}/{name}" for name in names]))
        for name in names:
            link = self.in_cache(folder, "snapshots", model.commit, name)
            self.assertEqual(os.readlink(link), f"../../blobs/{model.etag(name)}")
            with open(link, "rb") as file:
                self.assertEqual(file.read(), model.files[name])
        with open(self.in_cache(folder, "refs/main")) as file:
            self.assertEqual(file.read(), model.commit)
        before = len(self.hub.requests)
        self.inspect("org/tiny")
        self.assertEqual(len(self.hub.requests), before, "nothing is asked for a model that is there")

    def test_offline(self):
        self.hub.models["org/tiny"] = tiny_model()
        self.failure("org/tiny", "no such model in the Hugging Face cache", "HF_HUB_OFFLINE", HF_HUB_OFFLINE="1")
        self.assertEqual(self.hub.requests, [])
        self.inspect("org/tiny")
        before = len(self.hub.requests)
        self.inspect("org/tiny", HF_HUB_OFFLINE="1")
        self.assertEqual(len(self.hub.requests), before)

    def test_a_branch_or_tag(self):
        model = self.hub.models["org/tiny"] = tiny_model(revisions=["v1", "refs/pr/3"])
        self.inspect("org/tiny@v1")
        self.inspect("org/tiny@refs/pr/3")
        for reference in ("v1", "refs/pr/3"):
            with open(self.in_cache("models--org--tiny/refs", reference)) as file:
                self.assertEqual(file.read(), model.commit)
        self.assertFalse(os.path.exists(self.in_cache("models--org--tiny/refs/main")))
        self.assertEqual(len(self.hub.seen("store")), 1, "the commit is the same")
        self.failure("org/tiny@v2", "has no revision 'v2'")

    def test_a_commit_needs_no_reference(self):
        model = self.hub.models["org/tiny"] = tiny_model()
        self.inspect("org/tiny@" + model.commit)
        self.assertEqual([name for name in self.files_in_cache() if "/refs/" in name], [])

    def test_a_name_that_the_hub_redirects(self):
        self.hub.models["openai-community/gpt2"] = tiny_model()
        self.hub.moved["gpt2"] = "openai-community/gpt2"
        self.inspect("gpt2")
        self.assertTrue(os.path.isdir(self.in_cache("models--gpt2")), "as huggingface_hub names it")

    def test_shards(self):
        model = self.hub.models["org/shards"] = sharded_model()
        self.assertIn("h.2", self.inspect("org/shards"))
        self.assertEqual(len(self.hub.seen("store")), 3)
        os.remove(self.in_cache("models--org--shards/snapshots", model.commit, "model-00002-of-00003.safetensors"))
        self.inspect("org/shards")  # a link was missing, the blob was not
        self.assertEqual(len(self.hub.seen("store")), 3)

    def test_a_snapshot_without_weights_is_completed(self):
        """As after AutoTokenizer.from_pretrained()."""
        model = self.hub.models["org/tiny"] = tiny_model()
        folder = self.in_cache("models--org--tiny/snapshots", model.commit)
        os.makedirs(folder)
        with open(os.path.join(folder, "tokenizer.json"), "wb") as file:
            file.write(b"{}")
        self.inspect("org/tiny")
        self.assertFalse(os.path.islink(os.path.join(folder, "tokenizer.json")), "what is there is left alone")

    def test_a_server_that_lists_names_only(self):
        model = self.hub.models["org/tiny"] = tiny_model()
        model.blobs = False
        self.inspect("org/tiny")
        self.assertEqual(len([request for request in self.hub.requests if request[1] == "HEAD"]), 3)
        self.assertIn(f"models--org--tiny/blobs/{model.etag('model.safetensors')}", self.files_in_cache())

    def test_an_empty_file(self):
        self.hub.models["org/tiny"] = tiny_model()
        self.hub.models["org/tiny"].files["merges.txt"] = b""
        self.inspect("org/tiny")


class Command(HubTest):
    def download(self, *arguments, **variables):
        status, out, err = self.pare("download", *arguments, "--json", **variables)
        self.assertEqual((status, err), (0, ""))
        return json.loads(out)

    def test_dry_run(self):
        model = self.hub.models["org/tiny"] = tiny_model()
        planned = self.download("org/tiny", "--dry-run")
        self.assertEqual(self.files_in_cache(), [])
        size = len(model.files["model.safetensors"])
        self.assertEqual([request[3].get("Range") for request in self.hub.seen("store")], [f"bytes=0-{size - 1}"])
        self.assertEqual(planned["weights"], {"tensors": 1, "values": {"F32": 64}})
        self.assertEqual({file["name"]: (file["bytes"], file["cached"]) for file in planned["files"]},
                         {name: (len(model.files[name]), False)
                          for name in ("config.json", "tokenizer.json", "model.safetensors")})
        self.assertEqual(planned["missing_bytes"], planned["bytes"])
        self.assertFalse(planned["downloaded"])
        done = self.download("org/tiny")
        self.assertEqual(done, {**planned, "downloaded": True})
        self.inspect(done["directory"])
        again = self.download("org/tiny")
        self.assertEqual(again["missing_bytes"], 0)
        self.assertEqual(again["weights"], planned["weights"])
        self.assertEqual(len(self.hub.seen("store")), 2)

    def test_dry_run_of_shards(self):
        model = self.hub.models["org/shards"] = sharded_model()
        planned = self.download("org/shards", "--dry-run")
        self.assertEqual({file["name"] for file in planned["files"]}, set(model.files))
        self.assertEqual(planned["weights"], {"tensors": 3, "values": {"F32": 3 * 4096}})
        self.assertEqual(len(self.hub.seen("store")), 3)
        self.assertTrue(all("Range" in request[3] for request in self.hub.seen("store")))

    def test_dry_run_of_another_format(self):
        model = self.hub.models["org/tiny"] = tiny_model()
        model.files["pytorch_model.bin"] = model.files.pop("model.safetensors")
        self.assertIsNone(self.download("org/tiny", "--dry-run")["weights"])

    def test_a_newer_commit(self):
        """What is in the cache serves until someone asks."""
        older = self.hub.models["org/tiny"] = tiny_model()
        self.inspect("org/tiny")
        newer = self.hub.models["org/tiny"] = tiny_model(128)
        self.assertNotEqual(older.commit, newer.commit)
        self.inspect("org/tiny")
        self.assertEqual(len(self.hub.seen("hub", "/api/")), 1)
        self.assertEqual(self.download("org/tiny")["commit"], newer.commit)
        with open(self.in_cache("models--org--tiny/refs/main")) as file:
            self.assertEqual(file.read(), newer.commit)
        self.assertEqual({file["name"]: file["cached"] for file in self.download("org/tiny")["files"]},
                         {"config.json": True, "tokenizer.json": True, "model.safetensors": True})

    def test_table(self):
        self.hub.models["org/tiny"] = tiny_model()
        status, out, _ = self.pare("download", "org/tiny", "--dry-run")
        self.assertEqual(status, 0)
        self.assertIn("Weights: 1 tensor of 64 values (F32)", out)
        self.assertIn("would be downloaded to", out)

    def test_refusals(self):
        for name, part in (("./x", "not a name of the Hub"), ("org/tiny", "HF_HUB_OFFLINE")):
            status, out, err = self.pare("download", name, HF_HUB_OFFLINE="1")
            self.assertEqual((status, out, err.count("\n")), (1, "", 1))
            self.assertIn(part, err)


class Access(HubTest):
    def tokens_seen(self, role):
        return {request[3].get("Authorization") for request in self.hub.seen(role)}

    def test_a_token_goes_to_the_hub_and_not_to_the_store(self):
        self.hub.models["org/private"] = tiny_model(token=TOKEN)
        self.hub.tokens.add(TOKEN)
        self.inspect("org/private", HF_TOKEN=f"  {TOKEN}\n")
        self.assertEqual(self.tokens_seen("hub"), {"Bearer " + TOKEN})
        self.assertEqual(self.tokens_seen("store"), {None})
        self.assertGreater(len(self.hub.seen("store")), 0)

    def test_stored_tokens(self):
        self.hub.models["org/private"] = tiny_model(token=TOKEN)
        self.hub.tokens.add(TOKEN)
        os.makedirs(os.path.join(self.folder, "home"))
        for path, variables in ((os.path.join(self.folder, "home", "token"), {}),
                                (os.path.join(self.folder, "elsewhere"), {"HF_TOKEN_PATH": "~/elsewhere"})):
            with open(path, "w") as file:
                file.write(TOKEN + "\n")
            self.inspect("org/private", HF_HUB_CACHE=path + "-cache", **variables)
            os.remove(path)
        self.failure("org/private", "no such model, or it is private (set HF_TOKEN or run 'hf auth login')")

    def test_refusals_tell_what_to_do_and_never_the_token(self):
        self.hub.tokens.add(TOKEN)
        self.hub.models["org/gated"] = tiny_model(token="another", gated=True)
        self.hub.models["org/gated-files"] = tiny_model(token="another", gated="files")
        self.hub.models["org/private"] = tiny_model(token="another")
        for variables in ({}, {"HF_TOKEN": TOKEN}):
            self.failure("org/gated-files", "is a gated model: accept its terms at https://", **variables)
            lines = [self.failure("org/gated", "is a gated model: accept its terms at https://", "HF_TOKEN", **variables),
                     self.failure("org/private", "has no such model, or it is private", "HF_TOKEN", **variables),
                     self.failure("org/absent", "has no such model, or it is private", "HF_TOKEN", **variables)]
            self.assertNotIn(TOKEN, "".join(lines))
        wrong = "hf_expired"
        self.assertNotIn(wrong, self.failure("org/gated", "does not accept the token of HF_TOKEN", HF_TOKEN=wrong))
        split = "hf_a\nX-Other: b"
        line = self.failure("org/gated", "HF_TOKEN does not hold a token", HF_TOKEN=split)
        self.assertNotIn("hf_a", line)
        self.assertEqual(self.files_in_cache(), [])

    def test_no_implicit_token(self):
        self.hub.models["org/tiny"] = tiny_model()
        self.inspect("org/tiny", HF_TOKEN=TOKEN, HF_HUB_DISABLE_IMPLICIT_TOKEN="1")
        self.assertEqual(self.tokens_seen("hub"), {None})

    def test_addresses_with_signatures_are_not_shown(self):
        self.hub.models["org/tiny"] = tiny_model()
        self.hub.fail("store", "", 403)
        self.assertNotIn("secret-of-url", self.failure("org/tiny", "403"))

    def test_a_proxy_of_the_environment(self):
        self.hub.models["org/tiny"] = tiny_model()
        self.inspect("org/tiny", HF_ENDPOINT="http://hub.test/", http_proxy=self.hub.url, no_proxy="127.0.0.1")
        self.assertEqual(len(self.hub.seen("hub", "/api/")), 1)

    def test_no_connection(self):
        self.failure("org/tiny", "no such file or directory, not in the Hugging Face cache " + self.cache,
                     "cannot be downloaded from 127.0.0.1", HF_ENDPOINT="http://127.0.0.1:9")
        self.failure("org/tiny", "cannot be downloaded from hub.invalid", HF_ENDPOINT="http://hub.invalid")
        self.failure("org/tiny", "HF_ENDPOINT", HF_ENDPOINT="ftp://user:password@host")


class Faults(HubTest):
    def blob(self, model, name="model.safetensors"):
        return self.in_cache("models--org--tiny/blobs", model.etag(name))

    def left(self):
        return [name for name in self.files_in_cache() if name.endswith(".incomplete")]

    def leave_partial(self, model, data):
        os.makedirs(os.path.dirname(self.blob(model)))
        with open(self.blob(model) + ".incomplete", "wb") as file:
            file.write(data)

    def test_rate_limits_and_server_errors_pass(self):
        self.hub.models["org/tiny"] = tiny_model()
        self.hub.fail("hub", "/api/", 429, times=2, Retry_After="0")
        self.hub.fail("hub", "config.json", 503, Retry_After="0")
        self.hub.fail("store", "", 500, Retry_After="0")
        self.inspect("org/tiny")

    def test_the_hubs_header_of_rate_limits(self):
        self.hub.models["org/tiny"] = tiny_model()
        self.hub.fail("hub", "/api/", 429, RateLimit='"api";r=0;t=2')
        begin = time.monotonic()
        self.inspect("org/tiny")
        self.assertGreater(time.monotonic() - begin, 2)
        self.hub.fail("hub", "/api/", 429, RateLimit='"resolvers"; r = 0; t = 301')
        self.failure("org/other", "try again in 301 s")

    def test_rate_limits_that_do_not_pass(self):
        self.hub.models["org/tiny"] = tiny_model()
        self.hub.fail("hub", "/api/", 429, Retry_After="3600")
        self.failure("org/tiny", "limits the rate of requests (status 429); try again in 3600 s")
        self.hub.fail("hub", "/api/", 503, times=6, Retry_After="0")
        self.failure("org/tiny", "answers with status 503")

    def test_a_body_that_is_cut_off_is_continued(self):
        model = self.hub.models["org/tiny"] = tiny_model(1 << 20)
        self.hub.cuts = [1 << 20, 1 << 20]
        self.inspect("org/tiny")
        ranges = [request[3].get("Range") for request in self.hub.seen("store")]
        self.assertEqual(ranges[0], None)
        self.assertEqual(len(ranges), 3)
        self.assertRegex(ranges[2], r"^bytes=\d+-$")
        self.assertEqual(self.left(), [])
        with open(self.blob(model), "rb") as file:
            self.assertEqual(hashlib.sha256(file.read()).hexdigest(), model.etag("model.safetensors"))

    def test_what_an_earlier_run_left_is_continued(self):
        model = self.hub.models["org/tiny"] = tiny_model(1 << 18)
        self.leave_partial(model, model.files["model.safetensors"][:300_000])
        self.inspect("org/tiny")
        self.assertEqual([request[3].get("Range") for request in self.hub.seen("store")], ["bytes=300000-"])

    def test_a_server_that_ignores_ranges_starts_over(self):
        model = self.hub.models["org/tiny"] = tiny_model(1 << 18)
        self.hub.ranges = False
        self.leave_partial(model, model.files["model.safetensors"][:300_000])
        self.inspect("org/tiny")
        self.assertEqual(len(self.hub.seen("store")), 1)

    def test_damage_that_an_earlier_run_left(self):
        model = self.hub.models["org/tiny"] = tiny_model(1 << 18)
        whole = len(model.files["model.safetensors"])
        for data in (b"x" * 1000, b"x" * whole, b"x" * (whole + 1)):
            self.leave_partial(model, data)
            self.inspect("org/tiny")
            with open(self.blob(model), "rb") as file:
                self.assertEqual(file.read(), model.files["model.safetensors"])
            common.shutil.rmtree(self.cache)

    def test_a_wrong_hash(self):
        for name in ("model.safetensors", "config.json"):
            model = self.hub.models["org/tiny"] = tiny_model()
            model.hashes[name] = "0123456789abcdef" * 4 if name in model.large else "0123456789" * 4
            self.failure("org/tiny", f"'{name}' was damaged", "expected 0123456789")
            self.assertFalse(os.path.exists(self.blob(model, name)))
            self.assertFalse(os.path.exists(self.blob(model, name) + ".incomplete"))
            common.shutil.rmtree(self.cache)

    def test_a_server_that_sends_more_than_it_announced(self):
        model = self.hub.models["org/tiny"] = tiny_model(1 << 18)
        listing = {"sha": model.commit, "siblings": [model.sibling(name, True) for name in model.files]}
        listing["siblings"][1]["lfs"]["size"] = 5000
        model.listing = json.dumps(listing).encode()
        self.failure("org/tiny", "sends more than the 5000 bytes")

    def test_hostile_lists(self):
        for name in ("/etc/x.json", "../x.json", "a/../../x.json", "..\\x.json", "a\0.json", "a\n.json", "\x1b[2J.json",
                     "", ".", "a//b.json", "a/", "x" * 300 + ".json", "C:\\x.json"):
            model = self.hub.models["org/tiny"] = tiny_model()
            model.listing = json.dumps({"sha": model.commit, "siblings": [{"rfilename": name}]}).encode()
            line = self.failure("org/tiny", "not a file below the model's folder")
            self.assertNotIn("\x1b", line)
            self.assertEqual(self.files_in_cache(), [], name)
        commit = {"sha": "../../x", "siblings": []}
        for listing in (b"", b"{", b"[]", b'{"sha": 1}', json.dumps(commit).encode(), b'"x"'):
            self.hub.models["org/tiny"].listing = listing
            self.failure("org/tiny")

    def test_hostile_sizes_and_hashes(self):
        model = self.hub.models["org/tiny"] = tiny_model()
        for size, sha in ((-1, "0" * 64), (1 << 70, "0" * 64), ("x", "0" * 64), (5, "../x"), (5, "0" * 63), (1 << 62, "0" * 64)):
            model.listing = json.dumps({"sha": model.commit, "siblings": [
                {"rfilename": "model.safetensors", "lfs": {"size": size, "sha256": sha}}]}).encode()
            self.failure("org/tiny")
            self.assertEqual(self.files_in_cache(), [])

    def test_redirects_without_end_and_to_files(self):
        self.hub.models["org/tiny"] = tiny_model()
        self.hub.fail("hub", "/api/", 302, times=20, Location=self.hub.url + "/api/models/org/tiny/revision/main")
        self.failure("org/tiny", "redirects without end")
        self.hub.faults.clear()
        self.hub.fail("hub", "/api/", 302, Location="file:///etc/passwd")
        self.failure("org/tiny", "redirects to an address")

    def test_a_full_disk_leaves_what_can_be_continued(self):
        model = self.hub.models["org/tiny"] = tiny_model(1 << 20)
        process = self.start("inspect", "org/tiny", "--json", limit=1_000_000)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn('"no-space"', out)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertEqual(os.path.getsize(self.blob(model) + ".incomplete"), 1_000_000)
        self.inspect("org/tiny")
        self.assertEqual(self.hub.seen("store")[-1][3].get("Range"), "bytes=1000000-")

    def test_two_processes(self):
        self.hub.models["org/tiny"] = tiny_model(1 << 20)
        self.hub.pause = 0.05
        processes = [self.start("inspect", "org/tiny") for _ in range(3)]
        for process in processes:
            self.assertEqual(process.communicate(timeout=60)[1], "")
            self.assertEqual(process.returncode, 0)
        self.assertEqual(len(self.hub.seen("store")), 1, "the others wait for the lock")

    def test_a_silent_server_is_asked_again(self):
        self.hub.models["org/tiny"] = tiny_model()
        def stall(handler):
            time.sleep(4)
            return False
        self.hub.faults.append(("store", "", stall))
        self.inspect("org/tiny", HF_HUB_DOWNLOAD_TIMEOUT="1")
        self.assertEqual(len(self.hub.seen("store")), 2)

    def test_ctrl_c(self):
        model = self.hub.models["org/tiny"] = tiny_model(1 << 20)
        self.hub.piece, self.hub.pause = 1 << 16, 0.1
        process = self.start("inspect", "org/tiny")
        end = time.monotonic() + 20
        while not os.path.exists(self.blob(model) + ".incomplete") and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.communicate(timeout=10)[1], "pare: interrupted\n")
        self.assertEqual(process.returncode, 130)
        self.assertEqual(len(self.left()), 1)
        self.hub.pause = 0
        self.inspect("org/tiny")
        self.assertRegex(self.hub.seen("store")[-1][3].get("Range", ""), r"^bytes=\d+-$")


if __name__ == "__main__":
    common.main()
