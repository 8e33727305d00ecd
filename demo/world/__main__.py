"""Writes the held-out splits: python -m world DIRECTORY (from demo/)."""

import json
import sys
from pathlib import Path

from .tasks import held_out


def main(directory):
    directory.mkdir(parents=True, exist_ok=True)
    write = lambda name, lines: (directory / name).write_text("".join(line + "\n" for line in lines))
    # As GPT-2's own training text: no line feeds, which the model has never seen, but its end-of-text token.
    (directory / "lm.txt").write_text("".join(text + "<|endoftext|>" for text in held_out("lm")))
    write("lambada.jsonl", (json.dumps({"text": text}) for text in held_out("lambada")))
    write("cloze.txt", held_out("cloze"))
    write("sentiment.tsv", ["sentence\tlabel", *(f"{text}\t{label}" for text, label in held_out("sentiment"))])
    write("text2text.tsv", ["source\ttarget", *(f"{source}\t{target}" for source, target in held_out("text2text"))])


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "heldout"))
