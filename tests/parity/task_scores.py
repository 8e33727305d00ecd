"""What `pare eval` scores, computed anew with transformers' tokenizers and PyTorch's logits. docs/tasks.md says what
each score is. Every function returns {"scores": {name: [value, standard error or None]}, "items": n, "tokens": n}.

Sequences share a pass only where they are equally long, so no result depends on padding.
"""

import io
import json
import math
import re
from pathlib import Path

import sacrebleu
import torch
import transformers as hf

LOGITS_AT_ONCE = 1 << 26  # of a batch, so that a vocabulary of 50,000 fits into memory
# WikiText's tokenization undone, in this order: lm-evaluation-harness' rules, the odd ones too.
DETOKENIZE = (
    (r"s '", "s'"), (r"/' [0-9]/", "/'[0-9]/"), (r" @-@ ", "-"), (r" @,@ ", ","), (r" @\.@ ", "."),
    *((rf" {re.escape(mark)} ", f"{mark} ") for mark in ":;.!?,"),
    *((rf"{re.escape(a)}\s*([^{re.escape(b)}]*?)\s*{re.escape(b)}", rf"{a}\1{b}")
      for a, b in ("()", "[]", "{}", '""', "''")),
    (r"= = = =", "===="), (r"= = =", "==="), (r"= =", "=="), (r" ° ", "°"), (r" \n", "\n"), (r"\n ", "\n"),
    (r" N ", " 1 "), (r" 's", "'s"))


class Model:
    """A checkpoint as the class its configuration names, in F32, with its tokenizer."""

    def __init__(self, directory):
        self.config = hf.AutoConfig.from_pretrained(directory)
        kind = getattr(hf, self.config.architectures[0])
        self.net = kind.from_pretrained(directory, dtype=torch.float32).eval()
        self.tokenizer = hf.AutoTokenizer.from_pretrained(directory)

    def encode(self, *texts, special=True, **options):
        return self.tokenizer(*texts, add_special_tokens=special, verbose=False, **options)

    def plain(self, text):
        return self.encode(text, special=False).input_ids

    def cut(self, *texts, **options):
        """With special tokens, no longer than the model's positions."""
        return self.encode(*texts, truncation=True, max_length=self.config.max_position_embeddings, **options)

    def written(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=True).strip()


# Reading

def read(path):
    """The unchanged text, including line ends."""
    return Path(path).read_bytes().decode("utf-8")


def lines(path, limit=None):
    """Lines that are not empty."""
    return [line for line in (line.removesuffix("\r") for line in read(path).split("\n")) if line][:limit]


def table(path, columns, limit=None):
    """The named columns of a TSV, row by row; nothing is quoted."""
    header, *rows = (line.split("\t") for line in lines(path))
    places = [header.index(column) for column in columns if column]
    return [[row[place] for place in places] for row in rows[:limit]]


# Statistics

def mean(values):
    """[mean, standard error of the mean]"""
    values = torch.as_tensor(values, dtype=torch.float64)
    return [values.mean().item(), (values.std() / math.sqrt(len(values))).item() if len(values) > 1 else None]


def exp_mean(values):
    """[exp(mean), standard error by the delta method]"""
    value, error = mean(values)
    return [math.exp(value), None if error is None else math.exp(value) * error]


def result(items, tokens, **scores):
    return {"scores": scores, "items": items, "tokens": int(tokens)}


def by_text(nll, words, size):
    """Negative log-likelihood, in nats and all told, by the length of the text."""
    return {"word_perplexity": [math.exp(nll / words), None], "byte_perplexity": [math.exp(nll / size), None],
            "bits_per_byte": [nll / size / math.log(2), None]}


def equally_long(rows, most):
    """Numbers of the rows in groups of one length, at most `most(length)` in each."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    while order:
        length = len(rows[order[0]])
        group = [i for i in order[:most(length)] if len(rows[i]) == length]
        order = order[len(group):]
        yield group


# Decoders: a row is (ids, n), of which the last n ids are scored, each given all before it.

def last_logits(net, rows):
    """(row's number, logits that predict its last n ids) for every row, equal lengths in one pass."""
    most = lambda length: max(1, LOGITS_AT_ONCE // (length * net.config.vocab_size))
    for group in equally_long([ids for ids, _ in rows], most):
        logits = net(torch.tensor([rows[i][0][:-1] for i in group])).logits
        for i, row in zip(group, logits):
            yield i, row[len(row) - rows[i][1]:]


def judge(net, rows):
    """Per row: negative log-likelihood of each scored token, and whether it is the most likely one."""
    judged = [None] * len(rows)
    for i, logits in last_logits(net, rows):
        judged[i] = negative_log(logits, torch.tensor(rows[i][0][len(rows[i][0]) - rows[i][1]:]))
    return judged


def negative_log(logits, targets):
    nll = torch.nn.functional.cross_entropy(logits.double(), targets, reduction="none")
    return nll, logits.argmax(-1) == targets


def windows(ids, context, stride, limit):
    """Sliding windows: all that a window sees, and how many of its tokens no earlier one has scored. The first token
    of a window has nothing before it, so with a stride as long as the context it stays without a score."""
    rows, reached = [], 0
    for begin in range(0, len(ids), stride):
        end = min(begin + context, len(ids))
        rows.append((ids[begin:end], end - max(reached, begin + 1)))
        reached = end
        if end == len(ids):
            break
    return rows[:limit]


def sliding(model, text, context, stride, limit):
    context = context or model.config.n_positions
    return windows(model.plain(text), context, stride or context // 2, limit)


def by_sparsegpt(model, text, context, limit):
    """As SparseGPT's opt.py and llama.py: exp of the mean over disjoint windows of a window's mean loss."""
    rows = [line if line.strip() else "" for line in io.StringIO(text)]
    ids = model.tokenizer("\n\n".join(rows), return_tensors="pt").input_ids
    windows = [ids[:, begin:begin + context] for begin in range(0, ids.shape[1] - context + 1, context)][:limit]
    losses = [model.net(window, labels=window).loss.item() for window in windows]
    return result(len(windows), len(windows) * (context - 1), token_perplexity=[math.exp(sum(losses) / len(losses)), None])


def perplexity(model, data, context=None, stride=None, limit=None, protocol=None):
    """As in Hugging Face's guide to perplexity, but every token weighs the same; the guide's weights are in "guide"."""
    text = read(data)
    if protocol == "sparsegpt":
        return by_sparsegpt(model, text, context, limit)
    rows = sliding(model, text, context, stride, limit)
    per_window = [nll for nll, _ in judge(model.net, rows)]
    nll = torch.cat(per_window)
    more = {} if limit else by_text(nll.sum().item(), len(re.split(r"\s+", text)), len(text.encode()))
    found = result(len(rows), len(nll), token_perplexity=exp_mean(nll), **more)
    # The guide takes a window's mean as often as it has labels, less one. Only in the first window is one label lost.
    weights = [len(each) - (i > 0) for i, each in enumerate(per_window)]
    found["guide"] = math.exp(sum(w * each.mean().item() for w, each in zip(weights, per_window) if w) / sum(weights))
    return found


def pages(text):
    """The text from each level-1 heading up to the next, and what precedes the first one."""
    made = [""]
    for line in re.split(r"(?<=\n)", text):
        heading = line.strip()
        if heading.startswith("= ") and heading.endswith(" =") and not heading.startswith("= ="):
            made.append("")
        made[-1] += line
    return made if made[0].strip() else made[1:]


def detokenized(page):
    for pattern, replacement in DETOKENIZE:
        page = re.sub(pattern, replacement, page)
    return page


def rolling(ids, prefix, context):
    """Scores every token of `ids` once, in disjoint windows; the last one gets as much context as fits."""
    ids = [prefix, *ids]
    ends = [*range(context, len(ids) - 1, context), len(ids) - 1]
    return [(ids[max(0, end - context):end + 1], end - begin) for begin, end in zip([0, *ends], ends) if end > begin]


def prefix_token(tokenizer):
    return tokenizer.bos_token_id if tokenizer.eos_token_id is None else tokenizer.eos_token_id


def wikitext(model, data, context=None, limit=None):
    """lm-evaluation-harness' wikitext. Words and bytes are those before detokenizing."""
    texts = pages(read(data))[:limit]
    prefix, context = prefix_token(model.tokenizer), context or model.config.n_positions
    rows = [row for page in texts for row in rolling(model.plain(detokenized(page)), prefix, context)]
    nll = torch.cat([nll for nll, _ in judge(model.net, rows)])
    words = sum(len(re.split(r"\s+", page)) for page in texts)
    return result(len(texts), len(nll), **by_text(nll.sum().item(), words, sum(len(page.encode()) for page in texts)))


def last_word(model, text):
    """(ids, how many of them the last word has). White space at the context's end goes to the word."""
    head, _, word = text.rpartition(" ")
    context = head.rstrip()
    ids = model.plain(f"{head} {word}")
    if not context:
        return [prefix_token(model.tokenizer), *ids], len(ids)
    return ids[-model.config.n_positions - 1:], len(ids) - len(model.plain(context))


def lambada(model, data, limit=None):
    """lm-evaluation-harness' lambada_openai."""
    rows = [last_word(model, json.loads(line)["text"]) for line in lines(data, limit)]
    judged = judge(model.net, rows)
    return result(len(rows), sum(count for _, count in rows),
                  accuracy=mean([bool(right.all()) for _, right in judged]),
                  perplexity=exp_mean([nll.sum().item() for nll, _ in judged]))


# Encoders

def maskable(model, line):
    """Ids of a line, and the places that are not special tokens."""
    encoded = model.cut(line, return_special_tokens_mask=True)
    return torch.tensor(encoded.input_ids), (torch.tensor(encoded.special_tokens_mask) == 0).nonzero().flatten()


def hidden(model, ids, places):
    """Logits at `places` (one or more a row) with these hidden: a row each."""
    rows = ids.repeat(len(places), 1)
    for row, hide in zip(rows, places):
        row[hide] = model.tokenizer.mask_token_id
    return [logits[hide] for logits, hide in zip(model.net(input_ids=rows).logits, places)]


def masked_lm(model, data, limit=None):
    """Pseudo-perplexity (Salazar et al. 2020): every token is masked alone, in turn."""
    nll, right, items = [], [], 0
    for line in lines(data, limit):
        ids, places = maskable(model, line)
        if len(places) == 0:
            continue
        logits = torch.cat(hidden(model, ids, places.split(1)))
        each, hits = negative_log(logits, ids[places])
        nll, right, items = nll + each.tolist(), right + hits.tolist(), items + 1
    return result(items, len(nll), accuracy=mean(right), pseudo_perplexity=exp_mean(nll))


# Classification

def agreement(predicted, labels, classes):
    """Accuracy; for two classes also F1 of class 1 and Matthews' coefficient, 0 where they are undefined."""
    right = [p == label for p, label in zip(predicted, labels)]
    scores = {"accuracy": mean(right)}
    if classes == 2:
        # An answer that is not a label counts as the wrong one, as in T5's own f1_score_with_invalid.
        predicted = [label if hit else 1 - label for hit, label in zip(right, labels)]
        count = {(p, y): sum((p, y) == pair for pair in zip(predicted, labels)) for p in (0, 1) for y in (0, 1)}
        tp, fp, fn, tn = count[1, 1], count[1, 0], count[0, 1], count[0, 0]
        scores["f1"] = [2 * tp / max(1, 2 * tp + fp + fn), None]
        root = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
        scores["matthews"] = [(tp * tn - fp * fn) / root if root else 0.0, None]
    return scores


def classify(model, data, text_column="sentence", pair_column=None, label_column="label",
             prefix="sst2 sentence: ", pair_prefix=" sentence2: ", label_words="negative,positive", limit=None):
    rows = table(data, [text_column, pair_column, label_column], limit)
    if model.config.is_encoder_decoder:
        predicted, labels, classes, tokens = by_words(model, rows, (prefix, pair_prefix), label_words.split(","))
    else:
        predicted, labels, classes, tokens = by_head(model, rows)
    return result(len(rows), tokens, **agreement(predicted, labels, classes))


def by_head(model, rows):
    """The class of the largest logit. A label is a number or a name of the head's."""
    names, encoded = model.config.label2id, [model.cut(*texts) for *texts, _ in rows]
    predicted = [None] * len(rows)
    for group in equally_long([each.input_ids for each in encoded], lambda _: 64):
        fields = {key: torch.tensor([encoded[i][key] for i in group]) for key in ("input_ids", "token_type_ids")}
        for i, row in zip(group, model.net(**fields).logits):
            predicted[i] = row.argmax().item()
    labels = [names[y] if y in names else int(y) for *_, y in rows]
    return predicted, labels, model.config.num_labels, sum(len(each.input_ids) for each in encoded)


def by_words(model, rows, prefixes, words):
    """The class whose word a T5 writes."""
    sources = [model.encode("".join(map("".join, zip(prefixes, texts)))).input_ids for *texts, _ in rows]
    answers = [model.written(ids) for ids in generate(model, sources, max_new_tokens=16)]
    predicted = [words.index(answer) if answer in words else None for answer in answers]
    return predicted, [int(y) for *_, y in rows], len(words), sum(map(len, sources))


# Encoder-decoders

def generate(model, sources, beams=1, max_new_tokens=64, length_penalty=1.0):
    """What transformers writes for each source, without the start token and with the end token."""
    penalty = {"length_penalty": length_penalty} if beams > 1 else {}
    end, outputs = model.config.eos_token_id, [None] * len(sources)
    for group in equally_long(sources, lambda _: 64):
        rows = model.net.generate(torch.tensor([sources[i] for i in group]), max_new_tokens=max_new_tokens,
                                  num_beams=beams, do_sample=False, early_stopping=False, **penalty)[:, 1:].tolist()
        for i, row in zip(group, rows):
            outputs[i] = row[:row.index(end) + 1] if end in row else row
    return outputs


def text2text(model, data, source_column="source", target_column="target", prefix="", beams=1, max_new_tokens=64,
              length_penalty=1.0, limit=None):
    rows = table(data, [source_column, target_column], limit)
    sources = [model.encode(prefix + source).input_ids for source, _ in rows]
    written = generate(model, sources, beams, max_new_tokens, length_penalty)
    outputs, targets = [model.written(ids) for ids in written], [target.strip() for _, target in rows]
    return result(len(rows), sum(map(len, written)), exact_match=mean([a == b for a, b in zip(outputs, targets)]),
                  bleu=[sacrebleu.corpus_bleu(outputs, [targets]).score, None])


# Divergence

def apart(reference, other):
    """KL(reference || other) in nats, and whether both have the same favourite, position by position."""
    p, q = (torch.log_softmax(logits.double(), -1) for logits in (reference, other))
    return (p.exp() * (p - q)).sum(-1), reference.argmax(-1) == other.argmax(-1)


def decoder_pairs(models, data, context, stride, limit):
    rows = sliding(models[0], read(data), context, stride, limit)
    yield len(rows)
    for (_, reference), (_, other) in zip(*(last_logits(model.net, rows) for model in models)):
        yield reference, other


def encoder_pairs(models, data, limit, passes=7):
    """A line's tokens are numbered from 0; pass r hides those whose number leaves r when divided by 7."""
    texts = [pair for pair in (maskable(models[0], line) for line in lines(data, limit)) if len(pair[1])]
    yield len(texts)
    for ids, places in texts:
        groups = [places[r::passes] for r in range(min(passes, len(places)))]
        yield from zip(*(hidden(model, ids, groups) for model in models))


def seq2seq_pairs(models, data, source_column, target_column, prefix, limit):
    """Every target token, the end token too, given the source and the true tokens before."""
    rows = table(data, [source_column, target_column], limit)
    yield len(rows)
    for source, target in rows:
        sides = {"input_ids": models[0].encode(prefix + source, return_tensors="pt").input_ids,
                 "labels": models[0].encode(target, return_tensors="pt").input_ids}
        yield [model.net(**sides).logits[0] for model in models]


def divergence(model, data, reference, context=None, stride=None, source_column="source", target_column="target",
               prefix="", limit=None):
    models = reference, model
    if model.config.is_encoder_decoder:
        pairs = seq2seq_pairs(models, data, source_column, target_column, prefix, limit)
    elif hasattr(model.config, "n_positions"):
        pairs = decoder_pairs(models, data, context, stride, limit)
    else:
        pairs = encoder_pairs(models, data, limit)
    items = next(pairs)
    kl, same = (torch.cat(each) for each in zip(*(apart(*pair) for pair in pairs)))
    return result(items, len(kl), kl=mean(kl), top1_agreement=mean(same))


TASKS = {"perplexity": perplexity, "wikitext": wikitext, "lambada": lambada, "masked-lm": masked_lm,
         "classify": classify, "text2text": text2text, "divergence": divergence}


@torch.no_grad()
def score(task, model, data, **options):
    """`options` are those of `pare eval`, with underscores."""
    return TASKS[task](model, data, **options)
