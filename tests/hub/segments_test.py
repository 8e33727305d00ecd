#!/usr/bin/env python3
"""pare downloads large files over several connections: segments_test.py --pare PROGRAM [TEST...]"""
import hashlib
import os
import re

import common
from common import HubTest, tiny_model

SEGMENT = 16 << 20


class Segments(HubTest):
    def model(self, elements=10 << 20):
        model = self.hub.models["org/large"] = tiny_model(elements)
        self.size = len(model.files["model.safetensors"])
        return model

    def ranges(self):
        """(first byte, last byte) of the requests after that for the header; None without a range."""
        found = [re.fullmatch(r"bytes=(\d+)-(\d*)", request[3].get("Range", "")) for request in self.hub.seen("store")]
        return [match and (int(match[1]), match[2]) for match in found][1:]

    def require_whole(self, model):
        with open(self.in_cache("models--org--large/blobs", model.etag("model.safetensors")), "rb") as file:
            self.assertEqual(hashlib.sha256(file.read()).hexdigest(), model.etag("model.safetensors"))
        self.assertEqual([name for name in self.files_in_cache() if name.endswith(".incomplete")], [])

    def test_segments_arrive_at_the_same_time(self):
        model = self.model()
        self.hub.piece, self.hub.pause = 1 << 20, 0.02
        self.inspect("org/large")
        self.require_whole(model)
        self.assertEqual(sorted(self.ranges()), [(0, str(SEGMENT - 1)), (SEGMENT, str(2 * SEGMENT - 1)),
                                                 (2 * SEGMENT, str(self.size - 1))])
        self.assertGreaterEqual(self.hub.most_sending, 3)

    def test_the_hub_is_asked_once_by_each_connection(self):
        model = self.model(34 << 20)
        self.inspect("org/large")
        self.require_whole(model)
        self.assertEqual(len(self.ranges()), 9)
        self.assertLessEqual(len(self.hub.seen("hub", "/model.safetensors")), 5)

    def test_addresses_of_the_store_that_expire(self):
        model = self.model(34 << 20)
        refused = []

        def expire(handler):
            late = handler.headers.get("Range", "").startswith(f"bytes={4 * SEGMENT}-") and not refused
            if late:
                refused.append(handler.path)
                handler.refuse(403)
            else:
                self.hub.faults.append(("store", "", expire))
            return not late
        self.hub.faults.append(("store", "", expire))
        self.inspect("org/large")
        self.require_whole(model)
        self.assertEqual(len(refused), 1)

    def test_bodies_that_are_cut_off_are_continued(self):
        model = self.model()
        self.hub.cuts = [1 << 17, 1 << 20, 3 << 20, 5 << 20, 1 << 20]
        self.inspect("org/large")
        self.require_whole(model)
        self.assertEqual(len(self.ranges()), 7)

    def test_a_server_that_ignores_ranges(self):
        model = self.model()
        self.hub.ranges = False
        self.inspect("org/large")
        self.require_whole(model)

    def test_what_an_earlier_run_left_is_continued(self):
        model = self.model()
        path = self.in_cache("models--org--large/blobs", model.etag("model.safetensors") + ".incomplete")
        os.makedirs(os.path.dirname(path))
        with open(path, "wb") as file:
            file.write(model.files["model.safetensors"][:5_000_000])
        self.inspect("org/large")
        self.require_whole(model)
        self.assertEqual(sorted(self.ranges())[0], (5_000_000, str(5_000_000 + SEGMENT - 1)))

    def test_damage(self):
        model = self.model()
        model.hashes["model.safetensors"] = "0123456789abcdef" * 4
        self.failure("org/large", "'model.safetensors' was damaged")
        self.assertEqual([name for name in self.files_in_cache() if "0123456789abcdef" in name], [])

    def test_failures_keep_what_is_there(self):
        model = self.model()
        self.hub.piece, self.hub.pause = 1 << 18, 0.01

        def gone(handler):
            late = handler.headers.get("Range", "").startswith(f"bytes={SEGMENT}-")
            if late:
                handler.refuse(404)
            else:
                self.hub.faults.append(("store", "", gone))
            return not late
        self.hub.faults.append(("store", "", gone))
        self.failure("org/large", "does not have 'model.safetensors'")
        self.hub.pause = 0
        self.hub.faults.clear()
        self.inspect("org/large")
        self.require_whole(model)

    def test_a_full_disk(self):
        self.model()
        process = self.start("inspect", "org/large", limit=20 << 20)
        error = process.communicate(timeout=60)[1]
        self.assertEqual((process.returncode, error.count("\n")), (1, 1), error)
        self.assertIn("cannot be written", error)


if __name__ == "__main__":
    common.main()
