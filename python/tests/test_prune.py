"""Pruned and packed checkpoints. The references are torch.nn.utils.prune and transformers."""

import numpy
import pytest
from conftest import MODELS

import pare


def test_levels_in_memory_and_on_disk(gpt2, tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    import pare.torch as fast
    from torch.nn.utils import prune

    pruning = gpt2.prune(levels=[50, 90], out=tmp_path / "pruned")
    assert [level.level for level in pruning.levels] == ["50", "90"]
    assert [level.directory for level in pruning.levels] == [str(tmp_path / "pruned" / f"sparsity-{x}") for x in (50, 90)]
    for level in pruning.levels:
        expected = transformers.GPT2Model.from_pretrained(MODELS / "gpt2-world")
        parameters = fast.prunable_parameters(expected)
        prune.global_unstructured(parameters, prune.L1Unstructured, amount=float(level.level) / 100)
        for part, name in parameters:
            prune.remove(part, name)
        loaded = transformers.GPT2Model.from_pretrained(level.directory)
        in_memory = pruning[level.level]
        for name, tensor in expected.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], tensor)
            assert numpy.array_equal(in_memory.tensor(name), tensor.numpy())
        assert level.zeros == in_memory.inspect().overall.zeros
        assert level.threshold == max(float(abs(gpt2.tensor(t.name)[in_memory.tensor(t.name) == 0]).max()) for t in level.tensors)


def test_a_single_level_saves_to_the_directory_itself(gpt2, tmp_path):
    pruning = gpt2.prune(levels=75, include="*.mlp.*")
    assert pruning.save(tmp_path / "one") == [str(tmp_path / "one")]
    assert pare.open(tmp_path / "one").inspect().overall.zeros == pruning.levels[0].pruned
    with pytest.raises(pare.Error) as exists:
        pruning.save(tmp_path / "one")
    assert exists.value.code == "exists"
    pruning.save(tmp_path / "one", force=True)
    pruning.model().save(tmp_path / "copy")
    copied = pare.open(tmp_path / "copy")
    assert all(numpy.array_equal(copied.tensor(name), pruning.model().tensor(name)) for name in copied.tensor_names)


def test_criteria_and_patterns(gpt2):
    half = gpt2.prune(pattern="2:4")
    weights = half.model().tensor("h.0.mlp.c_fc.weight")  # [in, out]: groups run along the first axis
    assert ((weights.reshape(-1, 4, weights.shape[1]) == 0).sum(axis=1) == 2).all()
    calibrated = gpt2.prune(50, criterion="wanda", data=MODELS.parent / "heldout" / "lm.txt", sequences=2, length=32)
    assert calibrated.criterion == "wanda" and calibrated.levels[0].sparsity_percent == pytest.approx(50, abs=0.1)
    for options, message in (
        ({"criterion": "size"}, "criterion"),
        ({"scope": "local"}, "scope"),
    ):
        with pytest.raises(pare.Error, match=message):
            gpt2.prune(levels=[50], **options)
    with pytest.raises(ValueError, match="text"):
        gpt2.prune(levels=[50], criterion="wanda")
    with pytest.raises(pare.Error):
        gpt2.prune()
    with pytest.raises(KeyError):
        half.model(17)


def test_saved_statistics(gpt2, tmp_path):
    load_file = pytest.importorskip("safetensors.numpy").load_file
    text, file = {"data": MODELS.parent / "heldout" / "lm.txt", "sequences": 2, "length": 32}, tmp_path / "statistics"
    assert gpt2.save_statistics(file, **text) == []
    stored = load_file(file)
    products, squares = (stored[f"h.0.attn.c_attn.input_{name}"] for name in ("products", "squares"))
    diagonal = numpy.cumsum([0, *range(len(squares), 1, -1)])
    assert numpy.allclose(products[diagonal], squares, rtol=1e-5)
    pruning = gpt2.prune([50, 70], criterion="sparsegpt", statistics=file)
    direct = gpt2.prune(50, criterion="sparsegpt", true_sequential=False, **text)
    names = [tensor.name for tensor in direct.levels[0].tensors]
    same = [numpy.array_equal(pruning[50].tensor(name), direct[50].tensor(name)) for name in names]
    assert all(same[i] for i, name in enumerate(names) if name.startswith("h.0.")) and not all(same)
    assert "dense model (statistics)" in pruning.text
    gpt2.save_statistics(file, **text, norms_only=True, force=True)
    assert gpt2.prune(50, criterion="wanda", statistics=file).levels[0].sparsity_percent == pytest.approx(50, abs=0.1)
    with pytest.raises(pare.Error, match="norms"):
        gpt2.prune(50, criterion="alps", statistics=file)
    with pytest.raises(ValueError, match="only one"):
        gpt2.prune(50, criterion="wanda", statistics=file, data=text["data"])
    with pytest.raises(ValueError, match="does not look"):
        gpt2.prune(50, statistics=file)
    with pytest.raises(ValueError, match="true_sequential"):
        gpt2.prune(50, criterion="wanda", statistics=file, true_sequential=False)


def test_allocation_and_settings(gpt2, tmp_path):
    text = {"data": MODELS.parent / "heldout" / "lm.txt", "sequences": 2, "length": 32}
    uniform = gpt2.prune(60, criterion="wanda", **text)
    with pytest.raises(pare.Error, match="no allocation"):
        uniform.save_levels(tmp_path / "levels.json")
    spread = gpt2.prune(60, criterion="wanda", allocation="owl", **text)
    shares = [tensor.zeros / tensor.parameters for tensor in spread.levels[0].tensors]
    assert max(shares) - min(shares) > 0.02
    spread.save_levels(tmp_path / "levels.json")
    again = gpt2.prune(criterion="wanda", levels_file=tmp_path / "levels.json", **text)
    assert [x.zeros for x in again.levels[0].tensors] == [x.zeros for x in spread.levels[0].tensors]
    with pytest.raises(pare.Error, match="allocation owl"):
        gpt2.prune(60, allocation="owl")
    names = [tensor.name for tensor in uniform.levels[0].tensors]
    usual = gpt2.prune(60, criterion="sparsegpt", **text)[60]
    for options in ({"damping": 0.5}, {"block_size": 16}, {"true_sequential": False}):
        other = gpt2.prune(60, criterion="sparsegpt", **text, **options)[60]
        assert any(not numpy.array_equal(usual.tensor(name), other.tensor(name)) for name in names)
    for options, message in (({"damping": 0.0}, "damping"), ({"block_size": 0}, "block size")):
        with pytest.raises(pare.Error, match=message):
            gpt2.prune(60, criterion="sparsegpt", **text, **options)
    for options in ({"criterion": "wanda", "damping": 0.1}, {"criterion": "alps", "block_size": 64}):
        with pytest.raises(ValueError, match="has none"):
            gpt2.prune(60, **text, **options)


def test_packing(gpt2, tmp_path):
    sparse = gpt2.prune(levels=[90])[90]
    planned, written = sparse.pack(), sparse.pack(tmp_path / "packed")
    assert planned == written and written.packed_bytes < 0.5 * written.dense_bytes
    packed = pare.open(tmp_path / "packed")
    for name in packed.tensor_names:
        assert numpy.array_equal(packed.tensor(name), sparse.tensor(name))
    with pytest.raises(pare.Error, match="encoding"):
        sparse.pack(encoding="rle")


def test_views(gpt2):
    pruning = gpt2.prune(levels=[50, 99.9])
    assert "99.9" in str(pruning) and "99.9" in repr(pruning) and "<svg" in pruning._repr_html_()
    assert "gaps" in pruning[99.9].pack()._repr_html_()
    pytest.importorskip("pandas")
    assert list(pruning.to_pandas()["level"]) == ["50", "99.9"]
    assert len(pruning.to_pandas("tensors")) == 2 * 16
    assert len(gpt2.pack().to_pandas()) == 52


def test_masks_as_files(gpt2, tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file
    from torch.nn.utils import prune

    pruning = gpt2.prune(levels=[50, 90])
    pruning.save_mask(tmp_path / "mask.safetensors", 90)
    masks = load_file(tmp_path / "mask.safetensors")
    name = "h.0.mlp.c_fc.weight"
    module = torch.nn.Module()
    module.weight = torch.nn.Parameter(torch.tensor(gpt2.tensor(name)))
    prune.custom_from_mask(module, "weight", masks[name])
    assert numpy.array_equal(module.weight.detach().numpy(), pruning[90].tensor(name))

    again = gpt2.prune(mask=tmp_path / "mask.safetensors", out=tmp_path / "again")
    assert again.criterion == "mask" and again.levels[0].pruned == pruning.levels[1].pruned
    pare.open(tmp_path / "again").save_mask(tmp_path / "saved.safetensors", include="h.0.*.weight", exclude="*.ln_*")
    compared = pare.compare_masks(tmp_path / "saved.safetensors", tmp_path / "mask.safetensors")
    assert compared.overall.jaccard == 1 and not compared.only_in_a and compared.only_in_b
    assert "Jaccard" in str(compared) and [row.name for row in compared.layers] == ["h.0"]
    with pytest.raises(pare.Error) as unknown:
        gpt2.prune(mask=tmp_path / "missing.safetensors")
    assert unknown.value.code == "not-found"
    with pytest.raises(KeyError):
        pruning.save_mask(tmp_path / "x", 70)
