"""Rows against named_parameters(): names, order and counts."""

import csv

import transformers as hf
from make_models import make

from common import PUBLISHED


def small_models():
    """A tiny model of every class that pare knows by name, and the names its rows should have."""
    bert = dict(vocab_size=50, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
                max_position_embeddings=12)
    for name in ("BertModel", "BertForMaskedLM", "BertForPreTraining", "BertForSequenceClassification",
                 "BertForTokenClassification", "BertForQuestionAnswering", "BertForNextSentencePrediction"):
        yield getattr(hf, name)(hf.BertConfig(**bert)), ""
    for name in ("RobertaModel", "RobertaForMaskedLM", "RobertaForSequenceClassification"):
        yield getattr(hf, name)(hf.RobertaConfig(**bert)), ""
    for name in ("ElectraModel", "ElectraForPreTraining", "ElectraForMaskedLM", "ElectraForSequenceClassification"):
        yield getattr(hf, name)(hf.ElectraConfig(embedding_size=4, **bert)), ""
    distilbert = hf.DistilBertConfig(vocab_size=50, dim=8, n_layers=2, n_heads=2, hidden_dim=16, max_position_embeddings=12)
    for name in ("DistilBertModel", "DistilBertForMaskedLM", "DistilBertForSequenceClassification",
                 "DistilBertForQuestionAnswering"):
        yield getattr(hf, name)(distilbert), ""
    gpt2 = dict(vocab_size=50, n_embd=8, n_layer=2, n_head=2, n_positions=12)
    yield hf.GPT2Model(hf.GPT2Config(**gpt2)), ""
    yield hf.GPT2LMHeadModel(hf.GPT2Config(**gpt2)), "transformer."
    yield hf.GPT2LMHeadModel(hf.GPT2Config(tie_word_embeddings=False, **gpt2)), "transformer."
    t5 = dict(vocab_size=50, d_model=8, d_kv=4, d_ff=16, num_layers=2, num_heads=2, decoder_start_token_id=0)
    yield hf.T5ForConditionalGeneration(hf.T5Config(**t5)), ""
    yield hf.T5ForConditionalGeneration(hf.T5Config(feed_forward_proj="gated-gelu", tie_word_embeddings=False, **t5)), ""
    yield hf.T5EncoderModel(hf.T5Config(**t5)), ""


def expected_rows(model, prefix):
    return [(name.removeprefix(prefix), parameter.numel()) for name, parameter in model.named_parameters()]


def compare(oracle, what, directory, expected):
    rows = [(row["tensor"], int(row["parameters"])) for row in oracle.rows(directory)]
    first = next((pair for pair in zip(rows, expected) if pair[0] != pair[1]), (len(rows), len(expected)))
    oracle.check(f"rows of {what}", rows == expected, first)


def full_size_rows(models):
    """(title, specification, published table) of the study's three."""
    bert = make(models, "bert")
    return [("GPT-2", make(models, "gpt2"), "gpt2.csv"), ("BERT-to-BERT", f"{bert}+{bert}", "bert.csv"),
            ("T5", make(models, "t5-small"), "t5.csv")]


def run(oracle, models, scratch):
    for i, (model, prefix) in enumerate(small_models()):
        directory = scratch / f"names-{i}"
        model.save_pretrained(directory)
        compare(oracle, type(model).__name__, directory, expected_rows(model, prefix))
    for title, specification, table in full_size_rows(models):
        if not (PUBLISHED / table).exists():
            oracle.skip(f"{title} against the published table (not here)")
            continue
        published = [row["tensor"] for row in csv.DictReader((PUBLISHED / table).open())][1:]
        names = [row["tensor"] for row in oracle.rows(specification)]
        oracle.check(f"{title}: {len(published)} rows as published", names == published, f"{len(names)} rows")
