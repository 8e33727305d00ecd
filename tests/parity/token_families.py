"""Small tokenizers with the settings of today's model families, as the files of model directories.

The vocabularies are trained here; what surrounds them (normalizer, pre-tokenizer, decoder, post-processor, special tokens,
class, model type) is what the families' own files have.
"""

import json
import shutil

import sentencepiece
import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+SUFFIX|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*SUFFIX|NUMBER|"
         r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TEKKEN = CASED.replace("SUFFIX", "").replace("NUMBER", r"\p{N}")
O200K = CASED.replace("SUFFIX", "(?i:'s|'t|'re|'ve|'m|'ll|'d)?").replace("NUMBER", r"\p{N}{1,3}")
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
DEEPSEEK = [r"[\r\n]", r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽ]+",
            r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", r"[一-龥ࠀ-一가-퟿]+"]
DEEPSEEK3 = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"
             r"\s*[\r\n]+|\s+(?!\S)|\s+")


def special(*contents, **flags):
    return [AddedToken(content, special=True, normalized=False, **flags) for content in contents]


def byte_level(pre=None, regex=False, prefix=False):
    level = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)
    return level if pre is None else pre_tokenizers.Sequence([*pre, level])


def split(*patterns, behavior="isolated"):
    return [pre_tokenizers.Split(Regex(pattern), behavior) for pattern in patterns]


def around(single, tokenizer, *names):
    return processors.TemplateProcessing(single=single, pair=None,
                                         special_tokens=[(name, tokenizer.token_to_id(name)) for name in names])


class Maker:
    """Trains on `texts` up to `size` tokens, and writes directories below `target`."""

    def __init__(self, target, texts, size):
        self.target, self.texts, self.size = target, texts, size

    def bytes_bpe(self, pre, first=(), normalizer=None, **options):
        """Byte-level BPE. `first`: special tokens with the first ids."""
        trained = tokenizers.Tokenizer(models.BPE())
        trained.pre_tokenizer = pre
        if normalizer:
            trained.normalizer = normalizer
        trained.train_from_iterator(self.texts, trainers.BpeTrainer(
            vocab_size=self.size, special_tokens=list(first), show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
        model = json.loads(trained.to_str())["model"]
        tokenizer = tokenizers.Tokenizer(models.BPE(model["vocab"], list(map(tuple, model["merges"])), **options))
        tokenizer.pre_tokenizer, tokenizer.decoder = pre, decoders.ByteLevel()
        if normalizer:
            tokenizer.normalizer = normalizer
        return tokenizer

    def characters_bpe(self, first, with_bytes=True, **options):
        """BPE of characters as SentencePiece trains it, with byte tokens after the special ones."""
        trained = tokenizers.Tokenizer(models.BPE(unk_token="<unk>"))
        trained.pre_tokenizer = pre_tokenizers.Metaspace()
        trained.train_from_iterator(self.texts, trainers.BpeTrainer(
            vocab_size=self.size, special_tokens=["<unk>"], show_progress=False, limit_alphabet=min(self.size // 4, 200)))
        model = json.loads(trained.to_str())["model"]
        pieces = sorted(model["vocab"], key=model["vocab"].get)
        pieces = [*first, *(BYTES if with_bytes else []), *(piece for piece in pieces if piece not in first)]
        options = {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": with_bytes, **options}
        return tokenizers.Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)},
                                               list(map(tuple, model["merges"])), **options))

    def llama(self, first=("<unk>", "<s>", "</s>"), prepend=True):
        tokenizer = self.characters_bpe(first)
        replace = normalizers.Replace(" ", "▁")
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace]) if prepend else replace
        steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
        tokenizer.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if prepend else steps)
        tokenizer.add_special_tokens(special(*first))
        return tokenizer

    def sentencepiece(self, name, **options):
        """A tokenizer.model by SentencePiece's own trainer."""
        source, prefix = self.target / "sentencepiece.txt", self.target / f"{name}-spm"
        # Few tokens leave no room for rare characters, and the trainer insists on them.
        texts = self.texts if self.size > 1000 else [text for text in self.texts if text.isascii()] + ["é ▁ ü 漢字"] * 9
        source.write_text("\n".join(text.replace("\n", " ") for text in texts), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(**{
            "input": str(source), "model_prefix": str(prefix), "vocab_size": self.size + 256, "hard_vocab_limit": False,
            "character_coverage": 0.99, "max_sentence_length": 100000, "num_threads": 1, "minloglevel": 2,
            "max_sentencepiece_length": 16, **options})
        return prefix.with_suffix(".model")

    def write(self, name, trained, config, model_type, *only, **files):
        """A model directory: tokenizer.json (unless `only` names other files), the configurations, and `files`."""
        directory = self.target / name
        directory.mkdir(parents=True)
        if not only and trained:
            trained.save(str(directory / "tokenizer.json"), pretty=False)
        if trained and "vocab.json" in only:
            trained.model.save(str(directory))
        if trained and "vocab.txt" in only:
            vocabulary = trained.get_vocab(with_added_tokens=False)
            (directory / "vocab.txt").write_text("".join(f"{t}\n" for t in sorted(vocabulary, key=vocabulary.get)))
        for file, source in files.items():
            shutil.copy(source, directory / f"{file}.model")
        (directory / "tokenizer_config.json").write_text(json.dumps(config))
        (directory / "config.json").write_text(json.dumps({"model_type": model_type}))
        return name, directory


def byte_families(make):
    fast = {"tokenizer_class": "PreTrainedTokenizerFast"}
    t = make.bytes_bpe(byte_level(split(LLAMA3)), ignore_merges=True)
    t.add_special_tokens(special("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|finetune_right_pad_id|>"))
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True),
                                            around("<|begin_of_text|> $A", t, "<|begin_of_text|>")])
    config = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>", "clean_up_tokenization_spaces": True}
    yield make.write("llama3", t, {**fast, **config}, "llama")
    yield make.write("llama3-llama", t, {"tokenizer_class": "LlamaTokenizer", **config}, "llama")
    t = make.bytes_bpe(byte_level(split(QWEN)), normalizer=normalizers.NFC())
    qwen = {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": None,
            "bos_token": None, "extra_special_tokens": ["<|im_start|>", "<|im_end|>"], "add_prefix_space": False}
    yield make.write("qwen2-files", t, qwen, "qwen2", "vocab.json")
    t.add_special_tokens(special("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    t.add_tokens([AddedToken("<think>", normalized=False), AddedToken("</think>", normalized=True)])
    yield make.write("qwen3", t, qwen, "qwen3")
    yield make.write("qwen2-fast", t, {**qwen, **fast}, "qwen2")
    t = make.bytes_bpe(byte_level([pre_tokenizers.Digits(True)], regex=True), first=("<|endoftext|>", "<|im_start|>"))
    t.add_special_tokens(special("<|endoftext|>", "<|im_start|>"))
    starcoder = {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|im_start|>", "eos_token": "<|endoftext|>"}
    yield make.write("smollm2", t, starcoder, "llama")
    yield make.write("granite", t, starcoder, "granite")
    yield make.write("starcoder2", t, {**starcoder, "add_prefix_space": True}, "starcoder2")
    t = make.bytes_bpe(byte_level(regex=True), normalizer=normalizers.NFC(), first=("<|endoftext|>", "<|padding|>"))
    t.add_special_tokens(special("<|endoftext|>", "<|padding|>"))
    t.add_tokens([AddedToken(" " * count, normalized=True) for count in range(24, 1, -1)])
    t.post_processor = around("<|endoftext|> $A", t, "<|endoftext|>")
    neox = {"tokenizer_class": "GPTNeoXTokenizer", "unk_token": "<|endoftext|>", "add_prefix_space": False}
    yield make.write("pythia", t, neox, "gpt_neox")
    yield make.write("olmo2", t, neox, "olmo2")
    t = make.bytes_bpe(byte_level(regex=True), first=("<s>", "<pad>", "</s>", "<unk>"))
    t.add_special_tokens([AddedToken(c, special=True, normalized=True) for c in ("<s>", "<pad>", "</s>", "<unk>")])
    t.post_processor = around("</s> $A", t, "</s>")
    opt = {"tokenizer_class": "GPT2Tokenizer", "bos_token": "</s>", "eos_token": "</s>", "pad_token": "<pad>",
           "unk_token": {"__type": "AddedToken", "content": "</s>", "lstrip": False, "rstrip": False, "single_word": False,
                         "normalized": True}, "add_bos_token": True}
    yield make.write("opt", t, opt, "opt")
    yield make.write("opt-files", t, opt, "opt", "vocab.json")
    t = make.bytes_bpe(byte_level(split(BLOOM)), first=("<unk>", "<s>", "</s>", "<pad>"))
    t.add_special_tokens(special("<unk>", "<s>", "</s>", "<pad>"))
    yield make.write("bloom", t, {"tokenizer_class": "BloomTokenizerFast", "unk_token": "<unk>"}, "bloom")
    first = ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")
    t = make.bytes_bpe(byte_level(regex=True), normalizer=normalizers.NFC(), first=first)
    t.add_special_tokens([*special(*first[:4]), *special("[MASK]", lstrip=True)])
    t.post_processor = around("[CLS] $A [SEP]", t, "[CLS]", "[SEP]")
    yield make.write("modernbert", t, {**fast, "mask_token": "[MASK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
                                       "pad_token": "[PAD]", "unk_token": "[UNK]"}, "modernbert")
    yield from roberta_families(make)
    yield from pattern_families(make, fast)


def roberta_families(make):
    first = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    t = make.bytes_bpe(byte_level(regex=True), first=first)
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    yield make.write("roberta-files", t, {"tokenizer_class": "RobertaTokenizer"}, "roberta", "vocab.json")
    t.add_special_tokens([*special(*first[:4]), *special("<mask>", lstrip=True)])
    yield make.write("bart", t, {"tokenizer_class": "BartTokenizer", "add_prefix_space": True}, "bart")
    yield make.write("roberta-fast", t, {"tokenizer_class": "PreTrainedTokenizerFast"}, "unknown")


def pattern_families(make, fast):
    for name, pre in (
            ("tekken", byte_level(split(TEKKEN))), ("o200k", byte_level(split(O200K))),
            ("deepseek", byte_level([*split(*DEEPSEEK), pre_tokenizers.Digits(True)])),
            ("deepseek3", byte_level(split(r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK3))),
            ("falcon", pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"), byte_level(regex=True),
                                                pre_tokenizers.Digits(False), *split("[0-9][0-9][0-9]")])),
            ("spaced", byte_level(split(r"\s+", behavior="merged_with_next"), regex=True, prefix=True)),
            ("removed", byte_level(split(r"[\W\d&&x]|\s".replace("&&x", ""), behavior="removed")))):
        yield make.write(name, make.bytes_bpe(pre), fast, "unknown")


def character_families(make):
    """Llama 1 and 2, Mistral, Mixtral, Phi-3 and Gemma by their tokenizer.json."""
    template = "<s> $A"
    t = make.llama()
    t.post_processor = around(template, t, "<s>")
    llama = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
             "legacy": False, "pad_token": None}
    yield make.write("llama2", t, llama, "llama")
    yield make.write("llama2-legacy", t, {**llama, "legacy": True}, "llama")
    yield make.write("llama2-plain", t, {**llama, "add_prefix_space": False}, "llama")
    yield make.write("mistral", t, llama, "mistral")
    yield make.write("mixtral", t, {**llama, "legacy": True}, "mixtral")
    t.add_special_tokens(special("<|assistant|>", "<|end|>", "<|user|>", rstrip=True))
    yield make.write("phi3", t, llama, "phi3")
    t.normalizer, t.pre_tokenizer = None, pre_tokenizers.Metaspace("▁", "first", split=False)
    yield make.write("llama2-metaspace", t, {**llama, "tokenizer_class": "PreTrainedTokenizerFast"}, "llama")
    first = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>")
    t = make.llama(first, prepend=False)
    t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    t.add_tokens([AddedToken("\n" * count, normalized=False) for count in range(1, 6)])
    t.add_tokens([AddedToken("▁" * count, normalized=False) for count in range(2, 6)])
    t.post_processor = around("<bos> $A", t, "<bos>")
    yield make.write("gemma2", t, {"tokenizer_class": "GemmaTokenizer", "bos_token": "<bos>", "eos_token": "<eos>"}, "gemma2")
    yield make.write("gemma3", t, {"tokenizer_class": "GemmaTokenizerFast", "boi_token": "<start_of_image>",
                                   "image_token": "<image_soft_token>"}, "gemma3_text")
    t = make.characters_bpe(("<unk>",), with_bytes=False, fuse_unk=False)
    t.pre_tokenizer = pre_tokenizers.Metaspace("▁", "never", split=True)
    t.decoder = decoders.Metaspace("▁", "never", split=True)
    t.add_special_tokens(special("<unk>"))
    yield make.write("unfused", t, {"tokenizer_class": "PreTrainedTokenizerFast"}, "unknown")
    t = make.characters_bpe(("<unk>",), with_bytes=False)
    t.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(),
                                         normalizers.Strip(), normalizers.Replace(Regex(r"[^\w\s▁]{2,}"), " … ")])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Metaspace("▁", "first")])
    yield make.write("folded", t, {"tokenizer_class": "PreTrainedTokenizerFast"}, "unknown")
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+\z|'(?=s)"), ""),
                                         normalizers.NFD()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Punctuation("merged_with_previous"),
                                               pre_tokenizers.Metaspace("▁", "first", split=False)])
    yield make.write("composed", t, {"tokenizer_class": "PreTrainedTokenizerFast"}, "unknown")


def word_families(make):
    first = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
    t = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.train_from_iterator(make.texts, trainers.WordPieceTrainer(vocab_size=make.size, special_tokens=first,
                                                                show_progress=False, limit_alphabet=min(make.size // 4, 200)))
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    yield make.write("mpnet-files", t, {"tokenizer_class": "MPNetTokenizer"}, "mpnet", "vocab.txt")
    t.add_special_tokens([*special(*first[:4]), *special("<mask>", lstrip=True)])
    yield make.write("mpnet", t, {"tokenizer_class": "MPNetTokenizer", "do_lower_case": False}, "mpnet")
    t.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    yield make.write("words", t, {"tokenizer_class": "PreTrainedTokenizerFast",
                                  "clean_up_tokenization_spaces": True}, "unknown")
    t.pre_tokenizer = None
    yield make.write("lines", t, {"tokenizer_class": "PreTrainedTokenizerFast"}, "unknown")


def sentencepiece_families(make):
    """tokenizer.model, by the classes and as TokenizersBackend converts it."""
    llama = make.sentencepiece("llama", model_type="bpe", byte_fallback=True, normalization_rule_name="identity",
                               remove_extra_whitespaces=False, split_digits=True)
    config = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
              "add_bos_token": True, "add_eos_token": False, "legacy": False, "clean_up_tokenization_spaces": False}
    yield make.write("llama2-model", None, config, "llama", tokenizer=llama)
    yield make.write("mistral-model", None, {**config, "legacy": True}, "mistral", tokenizer=llama)
    yield make.write("mixtral-model", None, config, "mixtral", tokenizer=llama)
    names = {str(i): {"content": c, "special": True, "rstrip": True, "normalized": True}
             for i, c in enumerate(("<unk>", "<s>", "</s>", "<|user|>"))}
    yield make.write("phi3-model", None, {**config, "added_tokens_decoder": names, "add_eos_token": True}, "phi3",
                     tokenizer=llama)
    gemma = make.sentencepiece("gemma", model_type="bpe", byte_fallback=True, normalization_rule_name="identity",
                               remove_extra_whitespaces=False, add_dummy_prefix=False, pad_id=0, eos_id=1, bos_id=2, unk_id=3,
                               pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>",
                               user_defined_symbols=["<start_of_turn>", "\n\n", "▁▁", "▁▁▁"], control_symbols=["<mask>"])
    yield make.write("gemma-model", None, {"tokenizer_class": "GemmaTokenizer", "add_bos_token": True}, "gemma", tokenizer=gemma)
    yield make.write("gemma-described", None, {}, "unknown", tokenizer=gemma)
    for name, options in (("spm-nmt", {"model_type": "bpe"}), ("spm-nfkc", {"model_type": "unigram", "byte_fallback": True,
                                                                           "normalization_rule_name": "nfkc"}),
                          ("spm-defined", {"model_type": "unigram", "user_defined_symbols": ["<sep>", "the"],
                                           "remove_extra_whitespaces": False, "normalization_rule_name": "nmt_nfkc_cf"})):
        model = make.sentencepiece(name, **options)
        yield make.write(name, None, {}, "unknown", tokenizer=model)
        yield make.write(f"{name}-first", None, {"legacy": False, "eos_token": None}, "unknown", tokenizer=model)


def families(target, texts, size):
    """(name, directory) of each."""
    target.mkdir(parents=True, exist_ok=True)
    make = Maker(target, texts, size)
    for part in (byte_families, character_families, word_families, sentencepiece_families):
        yield from part(make)
