"""BERT as a masked language model on single sentences and stories of the world."""

import random

import torch
from transformers import BertConfig, BertForMaskedLM

from world.tasks import held_out, training

from . import tokenizers
from .gpt2 import take
from .loop import fit, pad

IGNORED = -100  # torch.nn.CrossEntropyLoss's ignore_index


def mask(tokenizer, rows, draw):
    """15 % of the tokens are to be told: 80 % of them hidden, 10 % replaced, 10 % left (Devlin et al. 2019)."""
    inputs, labels = [], []
    for row in rows:
        row, label = list(row), [IGNORED] * len(row)
        for i in range(1, len(row) - 1):
            if draw.random() >= 0.15:
                continue
            label[i] = row[i]
            kind = draw.random()
            row[i] = tokenizer.mask_token_id if kind < 0.8 else draw.randrange(5, len(tokenizer)) if kind < 0.9 else row[i]
        inputs.append(row)
        labels.append(label)
    ids = pad(inputs, tokenizer.pad_token_id)
    return {"input_ids": ids, "attention_mask": (ids != tokenizer.pad_token_id).long(), "labels": pad(labels, IGNORED)}


def batches(tokenizer, rows, seed, size=40):
    draw = random.Random(seed)
    while True:
        yield mask(tokenizer, draw.sample(rows, size), draw)


@torch.no_grad()
def held_out_figures(model, tokenizer):
    """Loss and top-1 accuracy with every token of the first 200 sentences hidden in turn."""
    loss, right, count = 0.0, 0, 0
    for ids in tokenizer(held_out("cloze")[:200]).input_ids:
        rows = torch.tensor([ids] * (len(ids) - 2))
        at = torch.arange(1, len(ids) - 1)
        target = torch.tensor(ids)[at]
        rows[torch.arange(len(at)), at] = tokenizer.mask_token_id
        logits = model(input_ids=rows).logits[torch.arange(len(at)), at]
        loss += torch.nn.functional.cross_entropy(logits, target, reduction="sum").item()
        right += (logits.argmax(-1) == target).sum().item()
        count += len(at)
    return loss / count, right / count


def train(directory, steps, seed=12):
    texts = take("cloze", 50000) + take("lm", 20000)
    random.Random(seed).shuffle(texts)
    tokenizer = tokenizers.bert(texts[:20000], directory)
    rows = tokenizer(texts, truncation=True, max_length=96).input_ids
    torch.manual_seed(seed)
    config = BertConfig(vocab_size=len(tokenizer), hidden_size=96, num_hidden_layers=4, num_attention_heads=4,
                        intermediate_size=384, max_position_embeddings=128, hidden_dropout_prob=0.0,
                        attention_probs_dropout_prob=0.0, pad_token_id=tokenizer.pad_token_id)
    model = BertForMaskedLM(config).eval()
    before, _ = held_out_figures(model, tokenizer)
    fit(model, batches(tokenizer, rows, seed), steps, peak=2e-3)
    model.save_pretrained(directory)
    after, accuracy = held_out_figures(model, tokenizer)
    return model, {"loss": (before, after), "cloze top-1 accuracy": accuracy}
