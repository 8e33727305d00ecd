"""Writes unicode_tables.inc: what `tokenizers` does to every code point, asked of the library itself.

Each step of its pipelines was built against another Unicode version (Oniguruma's for GPT-2's pattern,
unicode_categories' of 2016 for BERT's control, punctuation and non-spacing marks, its own for decompositions,
Rust's for white space, numbers and lower case, unicode_segmentation's for grapheme clusters), so no one version of a
Unicode library gives the same ids. make_unicode_tables.py [OUTPUT]; needs tokenizers and regex.
"""

import struct
import sys
import unicodedata
from pathlib import Path

import regex
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL = range(0xAC00, 0xAC00 + 11172)

# Bits of a code point's record; src/tokenize/unicode.h has the same.
BITS = {"pattern": 0, "clean": 2, "chinese": 4, "nonspacing": 5, "words": 6, "space": 8, "word": 9, "cluster": 10,
        "pictographic": 14, "conjunct": 15, "decomposes": 17, "lowers": 18, "category": 19, "regex_word": 24, "numeric": 25,
        "mark": 26, "nfc_stable": 27, "nfkc_stable": 28, "compatible": 29}
CATEGORIES = ["Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
              "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co"]
CLUSTERS = ["Other", "CR", "LF", "Control", "Extend", "ZWJ", "Regional_Indicator", "Prepend", "SpacingMark", "L", "V",
            "T", "LV", "LVT"]


def pattern_class(text):
    """0 other, 1 letter, 2 number, 3 white space of GPT-2's pattern."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True).pre_tokenize_str
    if len(split("a" + text)) == 1:
        return 1
    if len(split("1" + text)) == 1:
        return 2
    return 0 if len(split("!" + text)) == 1 else 3


def clean_class(text):
    """0 kept, 1 dropped, 2 turned into a space by BERT's clean_text."""
    clean = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    middle = clean.normalize_str("a" + text + "a")[1:-1]
    return {text: 0, "": 1, " ": 2}[middle] if text != " " else 2


def word_class(text):
    """0 part of a word, 1 a word of its own (punctuation), 2 white space to BERT's pre-tokenizer."""
    pieces = [piece for piece, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str("a" + text + "a")]
    return {1: 0, 3: 1, 2: 2}[len(pieces)]


def single_word_tokenizer():
    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.add_tokens([AddedToken("x", single_word=True, normalized=False)])
    return tokenizer


def charsmap(key):
    """A precompiled_charsmap that replaces `key` by "b", and a grapheme cluster of up to five bytes that begins with it."""
    units, base = [0] * 256 * (len(key) + 1), 0
    for i, byte in enumerate(key):
        units[base ^ byte] = byte | (i + 1 == len(key)) << 8 | ((base ^ byte) ^ 256 * (i + 1)) << 10
        base = 256 * (i + 1)
    units[base] = 1 << 31
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + b"b\0"


def cluster_class(text, clusters, joins_letter):
    """Grapheme_Cluster_Break: regex names it, and tokenizers decides what begins or goes on with a cluster."""
    named = next((name for name in CLUSTERS[1:] if clusters[name].match(text)), "Other")
    joins = joins_letter.normalize_str("a" + text) == "b"
    if joins != (named in ("Extend", "ZWJ", "SpacingMark")):
        named = "Extend" if joins else "Other"
    if named in ("Prepend", "Other") and not text.isascii():
        alone = normalizers.Precompiled(charsmap(text.encode())).normalize_str(text + "a") == "ba"
        named = "Other" if alone else "Prepend"
    return CLUSTERS.index(named)


def members(pattern):
    """The code points that match a character class of Oniguruma, which runs the patterns of Split and Replace."""
    everything = "".join(map(chr, CODE_POINTS))
    return {ord(c) for c in normalizers.Replace(Regex(f"[^{pattern}]"), "").normalize_str(everything)}


def compositions(decompositions):
    """{(first, second): composed}, asked of NFC; Hangul syllables compose by arithmetic."""
    nfc, pairs = normalizers.NFC().normalize_str, {}
    for c, decomposed in decompositions.items():
        first = nfc(decomposed[:-1])
        if len(first) == 1 and nfc(first + decomposed[-1]) == chr(c):
            pairs[ord(first), ord(decomposed[-1])] = c
    return pairs


def add_normal_forms(table, decompositions, classes, pairs):
    """Sets the bits of code points that NFC and NFKC leave alone whatever is next to them, and returns what NFKD adds to
    NFD."""
    nfc, nfkc, nfkd = normalizers.NFC(), normalizers.NFKC(), normalizers.NFKD()
    seconds = {second for _, second in pairs} | {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}
    compatible = {}
    for c in CODE_POINTS:
        text = chr(c)
        fixed = c not in classes and c not in seconds
        table[c] |= (fixed and nfc.normalize_str(text) == text) << BITS["nfc_stable"]
        table[c] |= (fixed and nfkc.normalize_str(text) == text) << BITS["nfkc_stable"]
        if c not in HANGUL and (decomposed := nfkd.normalize_str(text)) != decompositions.get(c, text):
            compatible[c] = decomposed
            table[c] |= 1 << BITS["compatible"]
    return compatible


def records():
    """The record of every code point, the decompositions and the lower cases."""
    chinese = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=True, strip_accents=False, lowercase=False)
    strip = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    lower, nfd, whitespace = normalizers.Lowercase(), normalizers.NFD(), pre_tokenizers.WhitespaceSplit()
    single = single_word_tokenizer()
    clusters = {name: regex.compile(rf"\p{{GCB={name}}}") for name in CLUSTERS[1:]}
    conjuncts = [regex.compile(rf"\p{{InCB={name}}}") for name in ("Consonant", "Extend", "Linker")]
    joins_letter = normalizers.Precompiled(charsmap(b"a"))
    pictographic = regex.compile(r"\p{Extended_Pictographic}")
    categories = {c: i for i, name in enumerate(CATEGORIES) if i for c in members(rf"\p{{{name}}}")}
    word, accents, digits = members(r"\w"), normalizers.StripAccents(), pre_tokenizers.Digits()
    table, decompositions, lowers = {}, {}, {}
    for c in CODE_POINTS:
        text = chr(c)
        fields = {"pattern": pattern_class(text), "clean": clean_class(text), "words": word_class(text)}
        fields["chinese"] = chinese.normalize_str(text) != text
        fields["nonspacing"] = nfd.normalize_str(text) == text and strip.normalize_str(text) == ""
        fields["space"] = len(whitespace.pre_tokenize_str("a" + text + "a")) == 2
        fields["word"] = text != "x" and 1 not in single.encode(text + "x").ids or text == "x"
        fields["cluster"] = cluster_class(text, clusters, joins_letter)
        fields["pictographic"] = bool(pictographic.match(text))
        fields["category"] = categories.get(c, 0)
        fields["regex_word"] = c in word
        fields["numeric"] = len(digits.pre_tokenize_str("a" + text)) == 2
        fields["mark"] = accents.normalize_str(text) == ""
        joined = fields["cluster"] in (CLUSTERS.index("Extend"), CLUSTERS.index("ZWJ"))
        fields["conjunct"] = next((i + 1 for i, kind in enumerate(conjuncts) if kind.match(text) and (joined or not i)), 0)
        if c not in HANGUL and (decomposed := nfd.normalize_str(text)) != text:
            decompositions[c] = decomposed
            fields["decomposes"] = 1
        if (lowered := lower.normalize_str(text)) != text:
            lowers[c] = lowered
            fields["lowers"] = 1
        table[c] = sum(int(value) << BITS[name] for name, value in fields.items())
    return table, decompositions, lowers


def combining_classes(table):
    """Canonical combining classes, up to order: of all marks that NFD moves. Each is put between known ones."""
    nfd = normalizers.NFD()

    def moves(text):  # NFD swaps a pair exactly if the first's class is the greater and neither is 0
        return nfd.normalize_str(text + "\u0334") != text + "\u0334" or nfd.normalize_str("\u0301" + text) != "\u0301" + text

    movable = [c for c in CODE_POINTS if not table[c] >> BITS["decomposes"] & 1 and c not in HANGUL and moves(chr(c))]
    probes = {}
    for c in movable:
        probes.setdefault(unicodedata.combining(chr(c)), chr(c))
    probes.pop(0, None)
    order = sorted(probes)
    classes = {}
    for c in movable:
        text = chr(c)
        below = sum(nfd.normalize_str(text + probes[k]) != text + probes[k] for k in order)
        above = sum(nfd.normalize_str(probes[k] + text) != probes[k] + text for k in order)
        assert below + above == len(order) - 1, (hex(c), below, above)
        classes[c] = order[below]
    return classes


def runs(values):
    """(first, last, value) of equal neighbors, value 0 left out. Surrogates never occur."""
    first = last = value = None
    for c in sorted(values):
        if value == values[c] and c == last + 1:
            last = c
            continue
        if value:
            yield first, last, value
        first, last, value = c, c, values[c]
    if value:
        yield first, last, value


def rows(name, kind, items):
    """An array definition, as many items a line as fit."""
    out, line = [f"inline constexpr {kind} {name}[] = {{"], "   "
    for item in items:
        if len(line) + len(item) + 2 > 120:
            out.append(line)
            line = "   "
        line += " " + item + ","
    return "\n".join(out + [line, "};"]) + "\n"


def mappings(name, table):
    """Entries (code point, where, how many) into a pool of code points."""
    pool, entries = [], []
    for c, text in sorted(table.items()):
        entries.append(f"{{{c:#x}, {len(pool)}, {len(text)}}}")
        pool += [f"{ord(character):#x}" for character in text]
    return rows(f"k{name}Pool", "char32_t", pool) + rows(f"k{name}", "Mapping", entries)


def main():
    table, decompositions, lowers = records()
    classes = combining_classes(table)
    pairs = compositions(decompositions)
    compatible = add_normal_forms(table, decompositions, classes, pairs)
    output = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "unicode_tables.inc")
    output.write_text(
        "// Made by make_unicode_tables.py: do not edit.\n// clang-format off\n"
        + rows("kRecords", "Run", [f"{{{a:#x}, {b:#x}, {v:#x}}}" for a, b, v in runs(table)])
        + rows("kCombiningClasses", "Run", [f"{{{a:#x}, {b:#x}, {v}}}" for a, b, v in runs(classes)])
        + mappings("Decompositions", decompositions) + mappings("Compatible", compatible) + mappings("LowerCases", lowers)
        + rows("kCompositions", "Composition", [f"{{{a:#x}, {b:#x}, {c:#x}}}" for (a, b), c in sorted(pairs.items())])
        + "// clang-format on\n")


if __name__ == "__main__":
    main()
