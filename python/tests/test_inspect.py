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
