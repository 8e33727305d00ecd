#!/usr/bin/env python3
"""Golden parameter names: what transformers stores and what named_parameters() lists, class by class.

    make_parameter_names.py            writes names/*.json beside this script
    make_parameter_names.py --check    compares them with the transformers that is installed

Every case is a tiny random model, saved with save_pretrained and loaded again. A case holds the
class, the configuration as saved, the stored tensors ([name, shape], in the file's order), and the
rows of named_parameters(): an index into the stored tensors, or [name, index] where the row bears a
name that is not stored (a tied weight that the class meets under another name first, or one that transformers renames
on loading). A tensor of all experts that is stored as one matrix for each is listed as these matrices. "matrices" has one letter for each row: L for the weight of a Linear ([out, in]), C for that of a Conv1D
([in, out]), and a dot for others and for embeddings, be they tied or not. full.json holds the
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
from transformers.pytorch_utils import Conv1D

from parameter_cases import BERT, DECODER, cases

HERE = pathlib.Path(__file__).resolve().parent / "names"
# What differs from one machine or release to the next, or says nothing about parameters.
VOLATILE = {"transformers_version", "_name_or_path", "dtype", "torch_dtype"}

def without_volatile(value):
    if isinstance(value, dict):
        return {key: without_volatile(inner) for key, inner in sorted(value.items()) if key not in VOLATILE}
    return value


def matrices(model):
    """Identity of a parameter -> its letter."""
    letters = {}
    for module in model.modules():
        letter = "L" if isinstance(module, torch.nn.Linear) else "C" if isinstance(module, Conv1D) else "."
        for parameter in module.parameters(recurse=False):
            own = letter if parameter.dim() == 2 else "."
            letters[id(parameter)] = own if letters.get(id(parameter), own) == own else "."
    return letters


# transformers 4 had a module for each expert, with these matrices in this order.
OF_AN_EXPERT = ["w1", "w2", "w3", "gate_proj", "up_proj", "down_proj"]


def experts_apart(module, tensors):
    """The stored matrices that transformers puts together into a module's tensors of all experts."""
    found = []
    for name, tensor in tensors.items():
        for stack in module.parameters(recurse=False):
            for expert, matrix in enumerate(stack.data):
                parts = [matrix, *matrix.chunk(2)] if matrix.dim() == 2 else []
                if any(torch.equal(part, tensor) for part in parts):
                    found.append((expert, OF_AN_EXPERT.index(name.split(".")[-2]), name))
    return [name for _, _, name in sorted(found)]


def rows_of(model, tensors):
    """(name, the stored tensor that bears it or has its values, letter) of every parameter."""
    letters, listed = matrices(model), set()
    for name, parameter in model.named_parameters():
        stored = name if name in tensors else next((key for key in tensors if torch.equal(tensors[key], parameter.data)), None)
        if stored:
            yield name, stored, letters[id(parameter)]
        else:
            apart = [key for key in experts_apart(model.get_submodule(name.rpartition(".")[0]), tensors) if key not in listed]
            listed.update(apart)
            yield from ((key, key, "L") for key in apart)


def describe(model, folder):
    """Saves, reloads (nothing may be missing or unexpected), and lists."""
    for parameter in model.parameters():
        parameter.data.normal_()  # no two alike
    model.save_pretrained(folder)
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.offset_keys()}
    stored = [[name, list(tensor.shape)] for name, tensor in tensors.items()]
    again, loading = type(model).from_pretrained(folder, output_loading_info=True)
    assert not any(loading.values()), loading
    rows = list(rows_of(again, tensors))
    places = {name: i for i, name in enumerate(tensors)}
    return {
        "class": type(model).__name__,
        "config": without_volatile(json.loads((folder / "config.json").read_text())),
        "stored": stored,
        "parameters": [places[key] if key == name else [name, places[key]] for name, key, _ in rows],
        "matrices": "".join(letter for _, _, letter in rows),
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
