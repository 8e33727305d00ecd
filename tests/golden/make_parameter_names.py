#!/usr/bin/env python3
"""Golden parameter names: what transformers stores and what named_parameters() lists, class by class.

    make_parameter_names.py            writes names/*.json beside this script
    make_parameter_names.py --check    compares them with the transformers that is installed

Every case is a tiny random model, saved with save_pretrained and loaded again. A case holds the
class, the configuration as saved, the stored tensors ([name, shape], in the file's order), and the
rows of named_parameters(): an index into the stored tensors, or [name, index] where the row bears a
name that is not stored (a tied weight that the class meets under another name first). full.json holds the
three published configurations at full size, built without memory on the meta device.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import torch
import transformers
from safetensors import safe_open

HERE = pathlib.Path(__file__).resolve().parent / "names"
# What differs from one machine or release to the next, or says nothing about parameters.
VOLATILE = {"transformers_version", "_name_or_path", "dtype", "torch_dtype"}

GPT2 = dict(vocab_size=13, n_positions=6, n_embd=4, n_layer=2, n_head=2, summary_proj_to_labels=True)
BERT = dict(vocab_size=13, hidden_size=4, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8,
            max_position_embeddings=6)
DISTILBERT = dict(vocab_size=13, dim=4, n_layers=2, n_heads=2, hidden_dim=8, max_position_embeddings=6)
T5 = dict(vocab_size=13, d_model=4, d_kv=2, d_ff=8, num_layers=2, num_heads=2, relative_attention_num_buckets=4)
DECODER = dict(is_decoder=True, add_cross_attention=True)
ENCODER_CLASSES = ["Model", "ForMaskedLM", "ForSequenceClassification", "ForMultipleChoice", "ForTokenClassification",
                   "ForQuestionAnswering"]


def untie_output(model):
    """What fine-tuning or conversion can leave: an output layer of its own under a tied configuration."""
    head = model.get_output_embeddings()
    head.weight = torch.nn.Parameter(torch.randn_like(head.weight))


def cases():
    """(family, case, class name, configuration, change after building)."""
    for name in ["Model", "LMHeadModel", "DoubleHeadsModel", "ForSequenceClassification", "ForTokenClassification",
                 "ForQuestionAnswering"]:
        yield "gpt2", "GPT2" + name, "GPT2" + name, GPT2, None
    yield "gpt2", "untied by configuration", "GPT2LMHeadModel", GPT2 | dict(tie_word_embeddings=False), None
    yield "gpt2", "untied by value", "GPT2LMHeadModel", GPT2, untie_output
    yield "gpt2", "cross-attention", "GPT2LMHeadModel", GPT2 | dict(add_cross_attention=True), None

    for name in ENCODER_CLASSES + ["LMHeadModel", "ForPreTraining", "ForNextSentencePrediction"]:
        yield "bert", "Bert" + name, "Bert" + name, BERT, None
    yield "bert", "untied by configuration", "BertForMaskedLM", BERT | dict(tie_word_embeddings=False), None
    yield "bert", "untied by value", "BertForMaskedLM", BERT, untie_output
    yield "bert", "cross-attention", "BertLMHeadModel", BERT | DECODER, None

    for name in ENCODER_CLASSES + ["ForCausalLM"]:
        yield "roberta", "Roberta" + name, "Roberta" + name, BERT, None
        yield "xlm-roberta", "XLMRoberta" + name, "XLMRoberta" + name, BERT, None
    yield "roberta", "untied by configuration", "RobertaForMaskedLM", BERT | dict(tie_word_embeddings=False), None
    yield "camembert", "CamembertForMaskedLM", "CamembertForMaskedLM", BERT, None

    for name in ENCODER_CLASSES + ["ForPreTraining", "ForCausalLM"]:
        yield "electra", "Electra" + name, "Electra" + name, BERT | dict(embedding_size=3), None
    yield "electra", "no projection", "ElectraForMaskedLM", BERT | dict(embedding_size=4), None
    yield "electra", "untied by configuration", "ElectraForMaskedLM", BERT | dict(tie_word_embeddings=False), None

    for name in ENCODER_CLASSES:
        yield "distilbert", "DistilBert" + name, "DistilBert" + name, DISTILBERT, None
    yield "distilbert", "untied by configuration", "DistilBertForMaskedLM", DISTILBERT | dict(tie_word_embeddings=False), None

    for name in ["ForConditionalGeneration", "Model", "EncoderModel", "ForSequenceClassification", "ForTokenClassification",
                 "ForQuestionAnswering"]:
        yield "t5", "T5" + name, "T5" + name, T5, None
    gated = T5 | dict(feed_forward_proj="gated-gelu", num_decoder_layers=3)
    yield "t5", "gated", "T5ForConditionalGeneration", gated, None
    yield "t5", "gated and untied", "T5ForConditionalGeneration", gated | dict(tie_word_embeddings=False), untie_output
    yield "t5", "MT5ForConditionalGeneration", "MT5ForConditionalGeneration", gated, None
    yield "t5", "mT5 untied", "MT5ForConditionalGeneration", gated | dict(tie_word_embeddings=False), untie_output


def without_volatile(value):
    if isinstance(value, dict):
        return {key: without_volatile(inner) for key, inner in sorted(value.items()) if key not in VOLATILE}
    return value


def describe(model, folder):
    """Saves, reloads (nothing may be missing or unexpected), and lists."""
    model.save_pretrained(folder)
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        stored = [[name, file.get_slice(name).get_shape()] for name in file.offset_keys()]
    again, loading = type(model).from_pretrained(folder, output_loading_info=True)
    assert not any(loading.values()), loading
    place = {name: i for i, (name, _) in enumerate(stored)}
    place_of_tied = {id(again.get_parameter(name)): i for name, i in place.items()}
    rows = [place[name] if name in place else [name, place_of_tied[id(parameter)]]
            for name, parameter in again.named_parameters()]
    return {
        "class": type(model).__name__,
        "config": without_volatile(json.loads((folder / "config.json").read_text())),
        "stored": stored,
        "parameters": rows,
    }


def build(class_name, settings, change):
    cls = getattr(transformers, class_name)
    torch.manual_seed(0)
    model = cls(cls.config_class(**settings))
    if change:
        change(model)
    return model


def compose(folder, encoder, decoder):
    """EncoderDecoderModel of two saved BERTs."""
    build(*encoder, None).save_pretrained(folder / "encoder")
    build(*decoder, None).save_pretrained(folder / "decoder")
    return transformers.EncoderDecoderModel.from_encoder_decoder_pretrained(folder / "encoder", folder / "decoder")


def full_size():
    """Names and shapes of the published configurations, and their numbers of parameters."""
    bert = transformers.BertConfig()
    decoder = transformers.BertConfig(**DECODER)
    t5_small = transformers.T5Config(vocab_size=32128, d_model=512, d_kv=64, d_ff=2048, num_layers=6, num_heads=8)
    models = {
        "gpt2": lambda: transformers.GPT2Model(transformers.GPT2Config()),
        "bert": lambda: transformers.EncoderDecoderModel(
            encoder=transformers.BertModel(bert), decoder=transformers.BertLMHeadModel(decoder)),
        "t5": lambda: transformers.T5ForConditionalGeneration(t5_small),
    }
    result = {}
    for name, make in models.items():
        with torch.device("meta"):
            model = make()
        rows = [[key, list(parameter.shape)] for key, parameter in model.named_parameters()]
        result[name] = {"class": type(model).__name__, "config": without_volatile(model.config.to_dict()),
                        "count": sum(p.numel() for p in model.parameters()), "parameters": rows}
    return result


def make_all():
    """File name -> text."""
    families = {}
    for family, case, class_name, settings, change in cases():
        with tempfile.TemporaryDirectory() as folder:
            families.setdefault(family, {})[case] = describe(build(class_name, settings, change), pathlib.Path(folder))
    compositions = {
        "same": (("BertForMaskedLM", BERT), ("BertForMaskedLM", BERT)),
        "pooler of its own": (("BertModel", BERT), ("BertForMaskedLM", BERT | dict(num_hidden_layers=1))),
        "different widths": (("BertModel", BERT), ("BertForMaskedLM", BERT | dict(hidden_size=6))),
        "untied decoder": (("BertModel", BERT), ("BertForMaskedLM", BERT | dict(tie_word_embeddings=False))),
    }
    for case, (encoder, decoder) in compositions.items():
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            described = describe(compose(path, encoder, decoder), path / "both")
            families.setdefault("encoder-decoder", {})[case] = described
    texts = {}
    for family, described in families.items():
        lines = [f"{json.dumps(case)}: {json.dumps(value, separators=(',', ':'))}" for case, value in described.items()]
        texts[family + ".json"] = "{\n" + ",\n".join(lines) + "\n}\n"
    lines = [f"{json.dumps(case)}: {json.dumps(value, separators=(',', ':'))}" for case, value in full_size().items()]
    texts["full.json"] = "{\n" + ",\n".join(lines) + "\n}\n"
    return texts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing; exit 1 on a difference")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    different = []
    for name, text in make_all().items():
        path = HERE / name
        if not arguments.check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        elif not path.exists() or json.loads(path.read_text()) != json.loads(text):
            different.append(name)
    if different:
        sys.exit(f"different from transformers {transformers.__version__}: {', '.join(different)}")
    print(f"{'checked against' if arguments.check else 'made with'} transformers {transformers.__version__}")


if __name__ == "__main__":
    main()
