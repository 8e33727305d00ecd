"""Model.inspect(). The reference is NumPy on the tensors that safetensors reads."""

import numpy
import pytest
from conftest import MODELS

import pare


def test_figures_equal_those_of_numpy(gpt2):
    safetensors = pytest.importorskip("safetensors.numpy")
    stored = safetensors.load_file(MODELS / "gpt2-world" / "model.safetensors")
    inspection = gpt2.inspect(cutoff=0.05, tails=[1], quantiles=[0.25, 0.5])
    names = {parameter.name: parameter.tensor for parameter in gpt2.parameters}
    assert [row.name for row in inspection.tensors] == list(names)
    for row in inspection.tensors:
        weights = stored[names[row.name]]
        magnitudes = numpy.abs(weights)
        assert row.parameters == weights.size
        assert row.share_percent == 100 * (magnitudes > numpy.float32(0.05)).sum() / weights.size
        assert row.share_signed_percent == pytest.approx(
            100 * ((weights < 0) | (weights >= numpy.float32(0.05))).sum() / weights.size
        )
        assert (row.min, row.max) == (weights.min(), weights.max())
        assert row.zeros == (weights == 0).sum()
        assert row.std == pytest.approx(weights.std(ddof=1, dtype="f8"), rel=1e-9)
        assert row.above == {1: (magnitudes > 1).sum()}
        assert row.quantiles[0.5] == pytest.approx(numpy.quantile(magnitudes.astype("f8"), 0.5))
    assert inspection.overall.parameters == gpt2.parameter_count


def test_filters_and_measure(gpt2):
    inspection = gpt2.inspect(groups="attention", exclude="*.c_proj.*", measure="signed", largest=3)
    assert {row.group for row in inspection.tensors} == {"attention.qkv"}
    assert inspection.overall.share_percent == inspection.overall.share_signed_percent
    assert len(inspection.largest) == 3
    largest = inspection.largest[0]
    assert gpt2.tensor(largest.tensor)[largest.position] == pytest.approx(largest.value)
    with pytest.raises(pare.Error) as nothing:
        gpt2.inspect(include="nothing.*")
    assert nothing.value.code == "argument"
    with pytest.raises(ValueError, match="measure"):
        gpt2.inspect(measure="size")


def test_views(gpt2):
    inspection = gpt2.inspect(quantiles=[0.5])
    assert "feed-forward" in str(inspection) and "| " in inspection.markdown
    assert "gpt2-world" in repr(inspection)
    shown = inspection._repr_html_()
    assert "<svg" in shown and "layer 3" in shown and "&gt; 0.1" in shown
    pandas = pytest.importorskip("pandas")
    table = inspection.to_pandas("layers")
    assert isinstance(table, pandas.DataFrame) and list(table["layer"]) == [0, 1, 2, 3]
    assert {"above_1", "q0.5"} <= set(table.columns)
    assert inspection.to_pandas()["parameters"].sum() == gpt2.parameter_count
    with pytest.raises(ValueError, match="rows"):
        inspection.to_pandas("heads")


def test_names_of_files_cannot_become_markup(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    save_file({"<script>x</script>": torch.ones(2, 3)}, tmp_path / "model.safetensors")
    model = pare.open(f"<b>={tmp_path}")
    for shown in (model._repr_html_(), model.inspect()._repr_html_()):
        assert "<script>" not in shown and "<b>" not in shown


def test_checks(gpt2, tmp_path):
    assert gpt2.check().findings == []
    safetensors = pytest.importorskip("safetensors.numpy")
    gpt2.prune(pattern="2:4").save(tmp_path / "sparse")
    file = tmp_path / "sparse" / "model.safetensors"
    stored = safetensors.load_file(file)
    name = "h.0.mlp.c_fc.weight"  # [in, out]
    weights = stored[next(key for key in stored if key.endswith(name))]
    weights[:4, 0] = 1  # one group of four without a zero
    weights[:, 1] = 0
    safetensors.save_file(stored, file, metadata={"format": "pt"})
    check = pare.open(tmp_path / "sparse").check(include=["h.0.mlp.*.weight"])
    assert [tensor.name for tensor in check.tensors] == [name, "h.0.mlp.c_proj.weight"]
    tensor = check.tensors[0]
    assert (tensor.inputs, tensor.outputs) == weights.shape and tensor.zeros == (weights == 0).sum()
    assert tensor.dead_outputs == (weights == 0).all(axis=0).sum()
    assert tensor.pattern is None and check.tensors[1].pattern == "2:4"
    groups = (weights.reshape(-1, 4, weights.shape[1]) != 0).sum(axis=1)
    share = next(share for share in tensor.along_inputs if share.pattern == "2:4")
    assert (share.groups, share.complying) == (groups.size, (groups <= 2).sum())
    found = {finding.kind: finding.tensors for finding in check.findings}
    assert found["dead-outputs"] == [name] and found["almost-pattern"] == [name]
    assert str(check) == check.text and "dead-outputs" in check._repr_html_() and "findings=" in repr(check)
