"""Tokenizers in the files that transformers' own classes read: one trainer a family."""

import io

import sentencepiece
from tokenizers import ByteLevelBPETokenizer, BertWordPieceTokenizer
from transformers import BertTokenizerFast, GPT2TokenizerFast, T5TokenizerFast


def gpt2(lines, directory, size=1024):
    """Byte-level BPE: vocab.json and merges.txt."""
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(lines, vocab_size=size, min_frequency=2, special_tokens=["<|endoftext|>"], show_progress=False)
    trained.save_model(str(directory))
    tokenizer = GPT2TokenizerFast.from_pretrained(directory, model_max_length=128)
    tokenizer.save_pretrained(directory)
    trained.save_model(str(directory))
    return tokenizer


def bert(lines, directory, size=900):
    """WordPiece, lower case: vocab.txt."""
    trained = BertWordPieceTokenizer(lowercase=True)
    trained.train_from_iterator(lines, vocab_size=size, min_frequency=2, show_progress=False,
                                special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    trained.save_model(str(directory))
    tokenizer = BertTokenizerFast.from_pretrained(directory, do_lower_case=True, model_max_length=128)
    tokenizer.save_pretrained(directory)
    trained.save_model(str(directory))
    return tokenizer


def t5(lines, directory, size=800):
    """Unigram: spiece.model, with pad 0, end 1, unknown 2 and a hundred sentinels, as T5 has them."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=model, vocab_size=size,
                                             model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
                                             character_coverage=1.0, byte_fallback=False, minloglevel=2,
                                             hard_vocab_limit=False, num_threads=1)
    (directory / "spiece.model").write_bytes(model.getvalue())
    tokenizer = T5TokenizerFast.from_pretrained(directory, extra_ids=100, model_max_length=128)
    tokenizer.save_pretrained(directory)
    (directory / "spiece.model").write_bytes(model.getvalue())
    return tokenizer
