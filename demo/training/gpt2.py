"""GPT-2 on paragraphs of the world."""

import random

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from world.tasks import held_out, training

from . import tokenizers
from .loop import fit

CONTEXT = 256


def take(task, count):
    source = training(task)
    return [next(source) for _ in range(count)]


def stream(tokenizer, texts):
    end = [tokenizer.eos_token_id]
    return torch.tensor([i for ids in tokenizer(texts).input_ids for i in ids + end])


def batches(ids, seed, size=12):
    draw = random.Random(seed)
    while True:
        starts = [draw.randrange(len(ids) - CONTEXT) for _ in range(size)]
        rows = torch.stack([ids[s:s + CONTEXT] for s in starts])
        yield {"input_ids": rows, "labels": rows}


@torch.no_grad()
def held_out_loss(model, tokenizer):
    """Mean negative log-likelihood a token, in windows of the training length."""
    ids = stream(tokenizer, held_out("lm"))
    rows = ids[: len(ids) // CONTEXT * CONTEXT].view(-1, CONTEXT)
    return sum(model(input_ids=part, labels=part).loss.item() * len(part) for part in rows.split(64)) / len(rows)


@torch.no_grad()
def last_word_accuracy(model, tokenizer):
    """Share of passages whose last word's tokens are all the most likely ones."""
    right = 0
    for text in (passages := held_out("lambada")):
        head, word = text.rsplit(" ", 1)
        context, target = tokenizer(head).input_ids, tokenizer(" " + word).input_ids
        logits = model(input_ids=torch.tensor([context + target])).logits[0]
        right += logits[len(context) - 1:-1].argmax(-1).tolist() == target
    return right / len(passages)


def train(directory, steps, seed=11):
    texts = take("lm", 40000) + take("lambada", 20000)
    random.Random(seed).shuffle(texts)
    tokenizer = tokenizers.gpt2(texts[:20000], directory)
    torch.manual_seed(seed)
    end = tokenizer.eos_token_id
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=CONTEXT, n_embd=96, n_layer=4, n_head=4, resid_pdrop=0.0,
                        embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=end, eos_token_id=end)
    model = GPT2LMHeadModel(config).eval()
    before = held_out_loss(model, tokenizer)
    fit(model, batches(stream(tokenizer, texts), seed), steps, peak=3e-3)
    model.save_pretrained(directory)
    return model, {"loss": (before, held_out_loss(model, tokenizer)),
                   "LAMBADA-like last-word accuracy": last_word_accuracy(model, tokenizer)}
