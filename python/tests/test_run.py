"""Logits, generated text and token ids against transformers; scores against a few lines of PyTorch."""

import math

import numpy
import pytest
from conftest import MODELS

import pare

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

HELDOUT = MODELS.parent / "heldout"
TEXT = "The cat of Kira is black ."


def close(ours, theirs):
    theirs = theirs.detach().numpy()
    return ours.shape == theirs.shape and abs(ours - theirs).max() <= 1e-5 * abs(theirs).max()


@pytest.fixture(scope="module")
def theirs():
    return transformers.GPT2LMHeadModel.from_pretrained(MODELS / "gpt2-world").eval()


def test_logits_of_a_decoder(gpt2, theirs):
    ids = [[5, 9, 200, 33], [7, 8, 1, 4]]
    with torch.no_grad():
        expected = theirs(torch.tensor(ids)).logits
    assert close(gpt2.run(ids), expected)
    assert close(gpt2.run(numpy.array(ids)), expected)
    assert close(gpt2.run(torch.tensor(ids)), expected)
    assert close(gpt2.run(ids[0]), expected[0])
    ragged = gpt2.run([ids[0], ids[1][:2]])
    assert close(ragged[0], expected[0]) and close(ragged[1], expected[1, :2])
    hidden = gpt2.run(ids, output="hidden")
    with torch.no_grad():
        assert close(hidden, theirs.transformer(torch.tensor(ids)).last_hidden_state)


def test_an_encoder_and_its_classes():
    ids, types = [[3, 8, 9, 4]], [[0, 0, 1, 1]]
    masked = transformers.BertForMaskedLM.from_pretrained(MODELS / "bert-world").eval()
    classes = transformers.BertForSequenceClassification.from_pretrained(MODELS / "bert-world-sst2").eval()
    with torch.no_grad():
        expected = masked(torch.tensor(ids), token_type_ids=torch.tensor(types)).logits
        assert close(pare.open(MODELS / "bert-world").run(ids, token_type_ids=types), expected)
        assert close(pare.open(MODELS / "bert-world-sst2").run(ids), classes(torch.tensor(ids)).logits)


def test_an_encoder_decoder():
    theirs = transformers.T5ForConditionalGeneration.from_pretrained(MODELS / "t5-world").eval()
    model = pare.open(MODELS / "t5-world")
    source, target = [[11, 12, 13, 1]], [[0, 5, 6]]
    with torch.no_grad():
        expected = theirs(input_ids=torch.tensor(source), decoder_input_ids=torch.tensor(target)).logits
        written = theirs.generate(torch.tensor(source), max_new_tokens=8, num_beams=2, do_sample=False)
    assert close(model.run(source, decoder_ids=target), expected)
    assert model.generate(source[0], max_new_tokens=8, beams=2) == written[0, 1:].tolist()
    with pytest.raises(ValueError, match="decoder_ids"):
        model.run(source)


def test_generation_and_tokens(gpt2, theirs):
    tokenizer = transformers.AutoTokenizer.from_pretrained(MODELS / "gpt2-world")
    ids = gpt2.tokenizer.encode(TEXT)
    assert ids == gpt2.tokenizer(TEXT) == tokenizer(TEXT).input_ids
    assert gpt2.tokenizer.decode(ids) == tokenizer.decode(ids)
    assert len(gpt2.tokenizer) == len(tokenizer)
    assert gpt2.tokenizer.special["eos"] == tokenizer.eos_token_id
    with torch.no_grad():
        made = theirs.generate(torch.tensor([ids]), max_new_tokens=12, do_sample=False)[0, len(ids) :]
    assert gpt2.generate(ids, max_new_tokens=12) == made.tolist()
    assert gpt2.generate([ids, ids], max_new_tokens=12) == [made.tolist()] * 2
    assert gpt2.generate(TEXT, max_new_tokens=12) == tokenizer.decode(made, skip_special_tokens=True)


def test_bad_ids(gpt2):
    with pytest.raises(pare.Error) as outside:
        gpt2.run([5, 1_000_000])
    assert outside.value.code == "argument"
    with pytest.raises(pare.Error):
        gpt2.run(list(range(1, 1000)))  # more than the model's positions
    with pytest.raises(pare.Error):
        gpt2.run([1, 2], output="classes")
    with pytest.raises(ValueError, match="output"):
        gpt2.run([1, 2], output="all")
    with pytest.raises(pare.Error) as encoder:
        pare.open(MODELS / "bert-world").generate([1, 2])
    assert encoder.value.code == "unsupported"


def test_perplexity(gpt2, theirs, tmp_path):
    file = tmp_path / "text.txt"
    file.write_text(TEXT)
    ids = torch.tensor([gpt2.tokenizer.encode(TEXT)])
    with torch.no_grad():
        expected = math.exp(theirs(ids, labels=ids).loss)
    evaluation = gpt2.evaluate("perplexity", file)
    assert evaluation["token_perplexity"] == pytest.approx(expected, rel=1e-5)
    assert evaluation.tokens == ids.shape[1] - 1
    assert "perplexity" in str(evaluation) and "<table" in evaluation._repr_html_()
    with pytest.raises(KeyError):
        evaluation["accuracy"]
    with pytest.raises(TypeError, match="limits"):
        gpt2.evaluate("perplexity", file, limits=1)
    with pytest.raises(pare.Error, match="perplexities"):
        gpt2.evaluate("perplexities", file)
    same = gpt2.evaluate("divergence", file, reference=gpt2)
    assert same["kl"] == pytest.approx(0, abs=1e-9)


def test_sensitivity_gives_levels_that_prune_takes(gpt2, tmp_path):
    levels = tmp_path / "levels.json"
    found = gpt2.sensitivity(
        HELDOUT / "lm.txt", by="group", levels=[50, 90], target=60, rounds=1, write=levels, limit=2
    )
    assert {unit.name for unit in found.units} == {"attention.qkv", "attention.o", "feed-forward"}
    assert all(len(unit.damage) == 2 for unit in found.units)
    assert found.allocations[-1].name == "searched" and "<svg" in found._repr_html_()
    assert gpt2.prune(levels_file=levels).levels[0].sparsity_percent == pytest.approx(60, abs=0.01)
    with pytest.raises(ValueError, match="target"):
        gpt2.sensitivity(HELDOUT / "lm.txt", write=levels)


def test_sensitivity_to_a_calibrated_criterion(gpt2, tmp_path):
    levels, statistics = tmp_path / "levels.json", tmp_path / "statistics"
    gpt2.save_statistics(statistics, HELDOUT / "lambada.jsonl", sequences=4, length=32)
    method = {"criterion": "alps", "statistics": statistics}
    found = gpt2.sensitivity(HELDOUT / "lm.txt", levels=[80], target=60, rounds=1, write=levels, limit=1, **method)
    assert (found.criterion, found.refit, found.statistics) == ("alps", False, "statistics")
    assert "by alps" in found.text and "alps" in repr(found) and "alps" in found._repr_html_()
    pruned = gpt2.prune(levels_file=levels, **method).model()
    divergence = pruned.evaluate("divergence", HELDOUT / "lm.txt", reference=gpt2, limit=1)
    assert divergence["kl"] == pytest.approx(found.allocations[-1].damage, rel=1e-9)
    by_magnitude = gpt2.sensitivity(HELDOUT / "lm.txt", levels=[80], limit=1)
    assert (by_magnitude.criterion, by_magnitude.statistics) == ("magnitude", None)
    assert sum(unit.damage[0] for unit in found.units) < sum(unit.damage[0] for unit in by_magnitude.units)
    refitted = gpt2.sensitivity(HELDOUT / "lm.txt", levels=[80], limit=1, refit=True, statistics=statistics)
    assert refitted.refit and refitted.units[0].damage[0] < by_magnitude.units[0].damage[0]
    for refused in ({"criterion": "alps"}, {"statistics": statistics}, {"refit": True}):
        with pytest.raises(ValueError, match="statistics"):
            gpt2.sensitivity(HELDOUT / "lm.txt", **refused)
    with pytest.raises(ValueError, match="refit needs"):
        gpt2.sensitivity(HELDOUT / "lm.txt", refit=True)
    with pytest.raises(ValueError, match="'random' is not one of magnitude"):
        gpt2.sensitivity(HELDOUT / "lm.txt", criterion="random")


def test_bench_and_report(gpt2, tmp_path):
    bench = gpt2.bench([90], runs=1, length=8, context=4, steps=2, sizes=False)
    assert [level.level for level in bench.levels] == [None, "90"]
    assert all(level.prefill_seconds > 0 and level.decode_seconds > 0 for level in bench.levels)
    assert "<svg" in bench._repr_html_()
    path = pare.report(
        [gpt2],
        tmp_path / "study",
        levels=[90],
        compare_criteria=["magnitude", "wanda"],
        data=HELDOUT / "lm.txt",
        sequences=2,
        length=16,
        evals={"perplexity": HELDOUT / "lm.txt"},
        eval_limit=1,
    )
    assert path == str(tmp_path / "study" / "report.md")
    text = (tmp_path / "study" / "report.md").read_text()
    assert "gpt2-world" in text and "| 90 % | wanda | " in text
    with pytest.raises(pare.Error, match="compare_criteria"):
        pare.report([gpt2], tmp_path / "other", compare_criteria=["obd"])
    with pytest.raises(ValueError, match="wanda needs a text"):
        pare.report([gpt2], tmp_path / "other", compare_criteria=["wanda"])
