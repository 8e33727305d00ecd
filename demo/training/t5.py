"""T5 on text-to-text tasks of the world."""

import random

import torch
from transformers import T5Config, T5ForConditionalGeneration

from world.tasks import held_out

from . import tokenizers
from .bert import IGNORED
from .gpt2 import take
from .loop import fit, pad


def encode(tokenizer, pairs):
    sources, targets = zip(*pairs)
    return list(zip(tokenizer(list(sources)).input_ids, tokenizer(list(targets)).input_ids))


def collate(tokenizer, pairs):
    ids = pad([source for source, _ in pairs], tokenizer.pad_token_id)
    return {"input_ids": ids, "attention_mask": (ids != tokenizer.pad_token_id).long(),
            "labels": pad([target for _, target in pairs], IGNORED)}


def batches(tokenizer, rows, seed, size=40):
    draw = random.Random(seed)
    while True:
        yield collate(tokenizer, draw.sample(rows, size))


@torch.no_grad()
def held_out_loss(model, tokenizer):
    """Mean negative log-likelihood a target token."""
    rows, loss, count = encode(tokenizer, held_out("text2text")), 0.0, 0
    for i in range(0, len(rows), 64):
        batch = collate(tokenizer, rows[i:i + 64])
        tokens = (batch["labels"] != IGNORED).sum().item()
        loss += model(**batch).loss.item() * tokens
        count += tokens
    return loss / count


@torch.no_grad()
def exact_match(model, tokenizer):
    pairs, right = held_out("text2text"), 0
    for i in range(0, len(pairs), 64):
        part = pairs[i:i + 64]
        batch = collate(tokenizer, encode(tokenizer, part))
        written = model.generate(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], max_new_tokens=40)
        texts = tokenizer.batch_decode(written, skip_special_tokens=True)
        right += sum(text == target for text, (_, target) in zip(texts, part))
    return right / len(pairs)


def train(directory, steps, seed=13):
    pairs = take("text2text", 60000)
    tokenizer = tokenizers.t5([text for pair in pairs[:20000] for text in pair], directory)
    torch.manual_seed(seed)
    config = T5Config(vocab_size=(len(tokenizer) + 7) // 8 * 8, d_model=96, d_kv=24, d_ff=192, num_layers=3, num_heads=4,
                      dropout_rate=0.0, relative_attention_num_buckets=16, relative_attention_max_distance=64,
                      pad_token_id=0, eos_token_id=1, decoder_start_token_id=0)
    model = T5ForConditionalGeneration(config).eval()
    before = held_out_loss(model, tokenizer)
    fit(model, batches(tokenizer, encode(tokenizer, pairs), seed), steps, peak=3e-3)
    model.save_pretrained(directory)
    return model, {"loss": (before, held_out_loss(model, tokenizer)), "text-to-text exact match": exact_match(model, tokenizer)}
