"""Mask files against the masks of torch.nn.utils.prune, loaded with safetensors, and applied after a step of training."""

import shutil

import torch
import torch.nn.utils.prune as torch_prune
import transformers as hf
from safetensors.torch import load_file, save_file


def small(family):
    torch.manual_seed(5)
    if family == "gpt2":
        config = hf.GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=12)
        return hf.GPT2Model(config), ("c_attn", "c_proj", "c_fc")
    config = hf.LlamaConfig(vocab_size=50, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
                            num_attention_heads=2, num_key_value_heads=2, tie_word_embeddings=True)
    return hf.LlamaForCausalLM(config), ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def linears(model, ends):
    return {name + ".weight": module for name, module in model.named_modules() if name.endswith(ends)}


def check_family(oracle, family, scratch):
    model, ends = small(family)
    source = scratch / "mask-source"
    model.save_pretrained(source)
    theirs = linears(model, ends)
    torch_prune.global_unstructured([(m, "weight") for m in theirs.values()], torch_prune.L1Unstructured, amount=0.6)
    path = scratch / "mask.safetensors"
    oracle.run("prune", source, "-o", scratch / "mask-pruned", "--levels", "60", "--save-mask", path)
    ours = load_file(path)
    oracle.check(f"mask of {family}: names", ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys())
    equal = all(torch.equal(ours[name], module.weight_mask.bool()) for name, module in theirs.items())
    oracle.check(f"mask of {family}: values", equal)

    # One step of training moves every weight; PyTorch applies the mask with custom_from_mask.
    fresh, _ = small(family)
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    tuned = scratch / "mask-tuned"
    fresh.save_pretrained(tuned)
    expected = linears(fresh, ends)
    for name, module in expected.items():
        torch_prune.custom_from_mask(module, "weight", ours[name])
        torch_prune.remove(module, "weight")
    oracle.run("prune", tuned, "-o", scratch / "mask-again", "--mask", path)
    again = linears(type(fresh).from_pretrained(scratch / "mask-again"), ends)
    oracle.check(f"mask of {family}: applied", all(torch.equal(again[n].weight, m.weight) for n, m in expected.items()))

    # Masks that PyTorch's own buffers hold, saved under their names.
    save_file({name + "_mask": module.weight_mask for name, module in theirs.items()}, scratch / "buffers.safetensors")
    comparison = oracle.json("mask", "compare", path, scratch / "buffers.safetensors")
    oracle.check(f"mask of {family}: compared", comparison["overall"]["jaccard"] == 1, comparison["overall"])
    random = {name: torch.rand(m.weight.shape) < 0.5 for name, m in theirs.items()}
    save_file(random, scratch / "random.safetensors")
    for row in oracle.json("mask", "compare", path, scratch / "random.safetensors")["tensors"]:
        a, b = ours[row["name"]], random[row["name"]]
        counts = [int(x.sum()) for x in (a, b, a & b, a & ~b, b & ~a)] + [float((a & b).sum() / (a | b).sum())]
        found = [row[k] for k in ("kept_a", "kept_b", "kept_both", "only_a", "only_b", "jaccard")]
        close = found[:5] == counts[:5] and abs(found[5] - counts[5]) < 1e-6
        oracle.check(f"mask of {family}: {row['name']} compared with a random one", close, (found, counts))
    for directory in (source, tuned, scratch / "mask-pruned", scratch / "mask-again"):
        shutil.rmtree(directory)
    for name in ("mask", "buffers", "random"):
        (scratch / f"{name}.safetensors").unlink()


def run(oracle, scratch):
    for family in ("gpt2", "llama"):
        check_family(oracle, family, scratch)
    print("  masks of GPT-2 and Llama", flush=True)
