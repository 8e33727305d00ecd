"""Training examples and held-out splits. Whatever is held out never occurs in training, word for word."""

import random

from . import grammar

COUNTS = {"lm": 400, "lambada": 500, "cloze": 600, "sentiment": 800, "text2text": 800}


def lambada_passage(draw):
    """A passage whose last word the passage itself tells (no full stop, as in LAMBADA)."""
    return draw.choice([grammar.errand, grammar.gift, grammar.search])(draw).rstrip(".")


def text_to_text(draw):
    """(source, target) in T5's manner: a prefix names the task."""
    kind = draw.randrange(6)
    if kind == 0:
        source, target = grammar.question(draw)
        return f"answer: {source}", target
    if kind == 1:
        text, label = grammar.opinion(draw)
        return f"sst2 sentence: {text}", "positive" if label else "negative"
    tense, prefix = [("past", "past tense: "), ("negated", "negate: "), ("future", "future: "), ("passive", "passive: ")][kind - 2]
    state = draw.getstate()
    source = grammar.deed(draw)
    draw.setstate(state)
    return prefix + source, grammar.deed(draw, tense)


def sentence(draw):
    maker = draw.choice([grammar.fact, grammar.deed, grammar.day, grammar.errand, grammar.search])
    return grammar.cap(maker(draw))


MAKERS = {"lm": grammar.paragraph, "lambada": lambada_passage, "cloze": sentence, "sentiment": grammar.opinion,
          "text2text": text_to_text}


def held_out(task, seed=7):
    """The task's held-out items, each once. Facts and questions are few, so they are left to training."""
    draw, items, seen = random.Random(f"{seed} {task}"), [], set()
    while len(items) < COUNTS[task]:
        item = MAKERS[task](draw)
        if item in seen or (task == "cloze" and len(str(item)) < 40):
            continue
        seen.add(item)
        items.append(item)
    return items


def training(task, seed=1):
    """Endless training items that are not among the held-out ones. Questions about facts cannot be
    both: the facts themselves must be learnt, so text2text holds out only the other kinds."""
    barred = {item for item in held_out(task) if not (task == "text2text" and item[0].startswith("answer:"))}
    draw = random.Random(f"{seed} {task} training")
    while True:
        item = MAKERS[task](draw)
        if item not in barred:
            yield item
