"""Full-size GPT-2, BERT and T5 checkpoints with random weights: make_models.py DIRECTORY [NAME ...]

Names: gpt2, bert, t5-small, each with -f16 or -bf16 behind it for another dtype, -bin for a
pytorch_model.bin and -sharded for several safetensors files. Without names: all that the live
comparison uses. What is there already is kept.
"""

import os
import shutil
import sys
from pathlib import Path

import torch
import transformers

CONFIGS = {
    "gpt2": (transformers.GPT2LMHeadModel, transformers.GPT2Config()),
    "bert": (transformers.BertForMaskedLM, transformers.BertConfig(architectures=["BertForMaskedLM"])),
    "t5-small": (transformers.T5ForConditionalGeneration, transformers.T5Config(
        vocab_size=32128, d_model=512, d_kv=64, d_ff=2048, num_layers=6, num_heads=8, decoder_start_token_id=0)),
}
DEFAULT = [name + dtype for name in CONFIGS for dtype in ("", "-f16", "-bf16")] + ["gpt2-bin", "gpt2-sharded"]


def build(name):
    """The model that a name stands for; the same weights in every dtype, as a cast rounds them."""
    family = next(key for key in CONFIGS if name == key or name.startswith(key + "-"))
    model_class, config = CONFIGS[family]
    torch.manual_seed(1)
    model = model_class(config)
    with torch.no_grad():  # initial norms are all 1 and biases all 0: give them a spread, and weights a tail
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.05)
            else:
                parameter.mul_(1 + torch.randn_like(parameter).abs() ** 3 * 0.2)
    return model.to({"f16": torch.float16, "bf16": torch.bfloat16}.get(name.rsplit("-", 1)[-1], torch.float32)).eval()


def make(directory, name):
    """Its directory. Two processes may make the same model at once; one of the two is kept."""
    target = directory / name
    if target.exists():
        return target
    model, part = build(name), directory / f"{name}.{os.getpid()}"
    if name.endswith("-bin"):
        part.mkdir(parents=True)
        model.config.save_pretrained(part)
        torch.save(model.state_dict(), part / "pytorch_model.bin")
    else:
        model.save_pretrained(part, max_shard_size="150MB" if name.endswith("-sharded") else "50GB")
    try:
        part.rename(target)
    except OSError:
        shutil.rmtree(part)
        if not target.exists():
            raise
    return target


if __name__ == "__main__":
    out = Path(sys.argv[1])
    for name in sys.argv[2:] or DEFAULT:
        print(make(out, name), flush=True)
