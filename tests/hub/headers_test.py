#!/usr/bin/env python3
"""pare reads the headers of safetensors files before it downloads them: headers_test.py --pare PROGRAM [TEST...]"""
import json

import common
from common import HubTest, tiny_model


class Headers(HubTest):
    """What a large model is, is known before it is downloaded."""

    def model(self, **changes):
        model = self.hub.models["org/large"] = tiny_model(5 << 20)
        data = model.files["model.safetensors"]
        for old, new in changes.values():
            self.assertIn(old, data[:200])
            data = data.replace(old, new, 1)
        model.files["model.safetensors"] = data
        return model

    def require_refusal(self, *parts):
        self.failure("org/large", "org/large/model.safetensors", *parts)
        self.assertEqual([request[3].get("Range") for request in self.hub.seen("store")], ["bytes=0-131071"])
        self.assertFalse([name for name in self.files_in_cache() if "blobs" in name])

    def test_malformed_headers_are_refused_before_the_data_come(self):
        self.model(end=(b"20971520", b"20971521"))
        self.require_refusal("h.0.w.weight", "data_offsets")

    def test_unknown_dtypes_are_refused_before_the_data_come(self):
        self.model(dtype=(b"F32", b"F33"))
        self.require_refusal("h.0.w.weight", "unknown dtype 'F33'")

    def test_a_file_of_another_size_than_its_header_says(self):
        model = self.model()
        model.files["model.safetensors"] = model.files["model.safetensors"][:-(1 << 20)]
        self.require_refusal("h.0.w.weight", "19922944")

    def test_a_file_that_is_no_safetensors_file(self):
        model = self.model()
        model.files["model.safetensors"] = b"version https://git-lfs.github.com/spec/v1" + bytes(20 << 20)
        self.require_refusal("Git LFS pointer")

    def test_a_good_header_is_read_once_more_with_the_file(self):
        self.model()
        self.inspect("org/large")
        self.assertEqual([request[3].get("Range") for request in self.hub.seen("store")], ["bytes=0-131071", None])

    def test_a_long_header_and_a_server_that_ignores_ranges(self):
        for ranges in (True, False):
            self.hub.ranges = ranges
            model = self.hub.models["org/long"] = tiny_model()
            header = {f"h.{i}.w.weight": {"dtype": "F32", "shape": [8], "data_offsets": [32 * i, 32 * i + 32]}
                      for i in range(4000)}
            text = json.dumps(header).encode()
            data = len(text).to_bytes(8, "little") + text + bytes(32 * 4000)
            model.files["model.safetensors"] = data + b""
            before = len(self.hub.seen("store"))
            status, out, err = self.pare("download", "org/long", "--dry-run", "--json")
            self.assertEqual((status, err), (0, ""))
            self.assertEqual(json.loads(out)["weights"], {"tensors": 4000, "values": {"F32": 32000}})
            self.assertEqual([request[3].get("Range") for request in self.hub.seen("store")][before:],
                             ["bytes=0-131071", f"bytes=131072-{7 + len(text)}"])

    def test_answers_with_another_range(self):
        def other(handler):
            handler.refuse(206, **{"Content-Range": "bytes 5-11/20"})
            return False
        self.model()
        self.hub.faults.append(("store", "", other))
        self.failure("org/large", "sends another range of 'model.safetensors'")

    def test_requests_for_headers_are_tried_again(self):
        self.model()
        self.hub.fail("store", "", 503, Retry_After="0")
        self.hub.cuts = [1000]
        self.inspect("org/large")
        self.assertEqual(len(self.hub.seen("store")), 4)


if __name__ == "__main__":
    common.main()
