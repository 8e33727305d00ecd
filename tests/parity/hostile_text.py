"""Strings that are difficult for tokenizers, and random mixtures of them."""

import random
import sys
import unicodedata

SPACES = [chr(c) for c in (*range(9, 14), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, 0x180E, *range(0x2000, 0x200E), 0x2028,
                           0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF)]
SPECIAL = ["<|endoftext|>", "[MASK]", "[CLS]", "[SEP]", "[PAD]", "[UNK]", "</s>", "<pad>", "<unk>", "<extra_id_0>",
           "<extra_id_99>", "<extra_id_100>", "<extra_id_1", "<|endoftext|", "[mask]", "[ MASK ]", "＜/s＞", "</s></s>",
           "<|ENDOFTEXT|>", "[MASK][MASK]"]
PIECES = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "’s", "don't", "I'll", "''", "'", "▁", "▁▁", "##", "##ing", "Ġ",
          "Ċ", "\r\n", "\r", "\n\n\n", "\t", "ﬁ", "ﬃ", "ſt", "Å", "A\u030a", "e\u0301", "\u0301", "ß", "ẞ", "İ", "ı", "ς", "Σ",
          "ΑΣ", "Ａ", "ｶﾞ", "１２", "²", "½", "Ⅷ", "①", "٣", "৪", "你好", "漢字", "豈", "ひらがな", "カタカナ", "한국어", "\u1112\u1161\u11ab",
          "\u1112", "\u11ab", "각\u11a8", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629", "\u0645\u064e", "\u05e9\u05c1\u05dc\u05d5\u05dd",
          "\u200f", "\u202e", "नमस्ते", "क्ष", "ക്ഷ", "ไทย", "ကမ္ဘာ", "👍", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪🇫", "❤️", "©\u200d®", "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
          "\u0600a", "\U000110bdb", "\0", "\x01", "\x7f", "\x80", "\x9f", "\ufffd", "\ufffe", "\uffff", "\ue000", "\uf8ff",
          "\U000f0000", "\U0010ffff", "\ud7ff", "\ue001", "\u0378", "\U00016ea0", "\U0001fae9", "\U000323af", "\u302e", "\u20dd",
          "\u3099", "\u0340", "\u1e9b\u0323", "q\u0307\u0323", "\U0001d160", "!", "?!", "...", "—", "…", "“”", "$5.00", "a_b",
          "http://x.y/z?q=1", "C++", "3.14", "1,000", "\\n", "\u00ad", "\u2044", "\u2581a", "abc\u0300\u0316", "\u200b", "\u034f"]


def scripts():
    """Code points by script, roughly: of each block of 128 those that are assigned, most often letters."""
    blocks = []
    for first in (*range(0, 0x3400, 128), *range(0xA000, 0xD800, 1024), *range(0xF900, 0x20000, 128), 0x20000, 0x2F800,
                  0x30000, 0xE0000, 0xE0100, 0x4E00, 0x9F80, 0xE000):
        block = [chr(c) for c in range(first, first + 128) if not 0xD800 <= c <= 0xDFFF]
        assigned = [c for c in block if unicodedata.category(c) != "Cn"]
        if assigned:
            blocks.append(assigned)
    return blocks


def any_code_point(rng):
    c = rng.randrange(0x110000)
    return chr(c) if not 0xD800 <= c <= 0xDFFF else "\ufffd"


def part(rng, blocks):
    kind = rng.randrange(12)
    if kind <= 2:
        return rng.choice(PIECES)
    if kind == 3:
        return "".join(rng.choice(SPACES) for _ in range(rng.randrange(1, 6)))
    if kind == 4:
        return rng.choice(SPACES) * rng.randrange(1, 9)
    if kind == 5:
        return rng.choice(SPECIAL)
    if kind in (6, 7):
        block = rng.choice(blocks)
        return "".join(rng.choice(block) for _ in range(rng.randrange(1, 10)))
    if kind == 8:
        return "".join(any_code_point(rng) for _ in range(rng.randrange(1, 4)))
    if kind == 9:
        return rng.choice("aeiouAEIOU가क漢①Ａ") + "".join(chr(rng.randrange(0x300, 0x370)) for _ in range(rng.randrange(1, 4)))
    if kind == 10:
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randrange(1, 12)))
    return rng.choice(["the", " world", " The", "ing", " ", " ", "  ", ", ", ". "])


def strings(count, seed=7):
    """`count` strings, the same for every run."""
    rng, blocks = random.Random(seed), scripts()
    fixed = ["", " ", "  ", *SPECIAL, *PIECES, *SPACES, *(p + " " + q for p in SPECIAL for q in SPECIAL[:4]),
             "a" * 99, "a" * 100, "a" * 101, "é" * 100, "é" * 101, "x" * 5000, "ab" * 3000, " " * 3000, "漢" * 500, "\u0301" * 300,
             "".join(map(chr, range(0x20))), "".join(map(chr, range(0x300))), *(f" {s} " for s in SPECIAL)]
    yield from fixed[:count]
    for _ in range(count - len(fixed)):
        yield "".join(part(rng, blocks) for _ in range(rng.randrange(1, 14)))


if __name__ == "__main__":
    for text in strings(int(sys.argv[1])):
        print(ascii(text))
