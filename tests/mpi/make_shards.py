"""Divides the tensors of a safetensors model among N files with an index: make_shards.py SOURCE TARGET N"""
import json
import pathlib
import shutil
import struct
import sys


def main():
    source, target, count = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in source.iterdir():
        if file.is_file() and file.suffix not in (".safetensors",) and not file.name.endswith(".index.json"):
            shutil.copy(file, target)
    data = (source / "model.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__", {"format": "pt"})
    names = sorted(header, key=lambda name: header[name]["data_offsets"])
    total = sum(header[name]["data_offsets"][1] - header[name]["data_offsets"][0] for name in names)
    shards, done = [[] for _ in range(count)], 0
    for name in names:
        shards[min(done * count // max(total, 1), count - 1)].append(name)
        done += header[name]["data_offsets"][1] - header[name]["data_offsets"][0]
    weight_map = {}
    for number, members in enumerate(shards, 1):
        file = f"model-{number:05}-of-{count:05}.safetensors"
        own, parts, at = {"__metadata__": metadata}, [], 0
        for name in members:
            begin, end = header[name]["data_offsets"]
            own[name] = dict(header[name], data_offsets=[at, at + end - begin])
            parts.append(data[8 + size + begin:8 + size + end])
            at += end - begin
            weight_map[name] = file
        text = json.dumps(own).encode()
        text += b" " * (-len(text) % 8)
        (target / file).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (target / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))


if __name__ == "__main__":
    main()
