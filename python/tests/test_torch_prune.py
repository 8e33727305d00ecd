"""pare.torch against torch.nn.utils.prune on the same modules. Random normal weights have no ties."""

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn.utils import prune  # noqa: E402

import pare.torch as fast  # noqa: E402


def network(seed=0, dtype=torch.float32):
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Linear(40, 60), nn.ReLU(), nn.Sequential(nn.Linear(60, 30), nn.Conv2d(3, 5, 3)))
    return layers.to(dtype)


def pairs(module):
    return [(part, "weight") for part in module.modules() if isinstance(part, (nn.Linear, nn.Conv2d))]


def assert_same(ours, theirs):
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor), name
        assert ours.state_dict()[name].dtype == tensor.dtype
    for (mine, name), (other, _) in zip(pairs(ours), pairs(theirs)):
        assert torch.equal(getattr(mine, name), getattr(other, name))


@pytest.mark.parametrize("amount", [0.0, 0.5, 0.9, 1.0, 0, 1, 1234])
def test_masks_equal_pytorchs(amount):
    ours, theirs = network(), network()
    fast.global_unstructured(pairs(ours), amount=amount)
    prune.global_unstructured(pairs(theirs), prune.L1Unstructured, amount=amount)
    assert_same(ours, theirs)


def test_counts_are_rounded_as_pytorch_rounds_them():
    for size in range(1, 40):
        ours, theirs = nn.Linear(size, 1), nn.Linear(size, 1)
        fast.l1_unstructured(ours, "weight", 0.5)
        prune.l1_unstructured(theirs, "weight", 0.5)
        assert ours.weight_mask.sum() == theirs.weight_mask.sum()


def test_pruning_again_counts_what_is_left():
    for first, second in ((fast, fast), (prune, fast), (fast, prune)):
        ours, theirs = network(), network()
        first.global_unstructured(pairs(ours), prune.L1Unstructured, amount=0.5)
        second.global_unstructured(pairs(ours), prune.L1Unstructured, amount=0.25)
        for amount in (0.5, 0.25):
            prune.global_unstructured(pairs(theirs), prune.L1Unstructured, amount=amount)
        assert_same(ours, theirs)


def test_training_and_removal_go_on_from_there():
    ours, theirs = network(), network()
    fast.global_unstructured(pairs(ours), amount=0.8)
    prune.global_unstructured(pairs(theirs), prune.L1Unstructured, amount=0.8)
    for module in (ours, theirs):
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            module[2][0](module[0](torch.ones(4, 40))).square().sum().backward()
            optimizer.step()
        assert prune.is_pruned(module)
        for part, name in pairs(module):
            prune.remove(part, name)
    assert_same(ours, theirs)


def test_importance_scores():
    ours, theirs = network(), network()
    torch.manual_seed(1)
    scores = [torch.randn_like(getattr(part, name)) for part, name in pairs(ours)]
    fast.global_unstructured(pairs(ours), None, dict(zip(pairs(ours), scores)), amount=0.3)
    prune.global_unstructured(pairs(theirs), prune.L1Unstructured, dict(zip(pairs(theirs), scores)), amount=0.3)
    assert_same(ours, theirs)


def test_in_place_is_pytorch_and_remove():
    ours, theirs = network(), network()
    addresses = [getattr(part, name).data_ptr() for part, name in pairs(ours)]
    fast.global_unstructured(pairs(ours), amount=0.7, in_place=True)
    prune.global_unstructured(pairs(theirs), prune.L1Unstructured, amount=0.7)
    for part, name in pairs(theirs):
        prune.remove(part, name)
    for (mine, name), (other, _) in zip(pairs(ours), pairs(theirs)):
        assert torch.equal(getattr(mine, name), getattr(other, name))
    assert addresses == [getattr(part, name).data_ptr() for part, name in pairs(ours)]
    assert not prune.is_pruned(ours)


def test_weights_that_are_not_contiguous():
    layer = nn.Linear(6, 4)
    layer.weight = nn.Parameter(torch.randn(6, 4).t())
    expected = nn.Linear(6, 4)  # PyTorch refuses to prune such weights
    expected.weight = nn.Parameter(layer.weight.detach().contiguous())
    prune.remove(prune.l1_unstructured(expected, "weight", 10), "weight")
    fast.l1_unstructured(layer, "weight", 10, in_place=True)
    assert torch.equal(layer.weight, expected.weight)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_types(dtype):
    """Equal magnitudes are many here: the numbers pruned are PyTorch's, and nothing that remains is smaller."""
    ours, theirs = network(dtype=dtype), network(dtype=dtype)
    fast.global_unstructured(pairs(ours), amount=0.6)
    prune.global_unstructured(pairs(theirs), prune.L1Unstructured, amount=0.6)
    assert sum(int(part.weight_mask.sum()) for part, _ in pairs(ours)) == sum(
        int(part.weight_mask.sum()) for part, _ in pairs(theirs)
    )
    kept = torch.cat([part.weight_orig[part.weight_mask.bool()].abs() for part, _ in pairs(ours)])
    gone = torch.cat([part.weight_orig[~part.weight_mask.bool()].abs() for part, _ in pairs(ours)])
    assert gone.max() <= kept.min()
    assert all(part.weight_mask.dtype == dtype for part, _ in pairs(ours))


def test_the_first_among_equals_go():
    layer = nn.Linear(4, 2)
    layer.weight = nn.Parameter(torch.tensor([[1.0, -1, 2, 1], [-1, 0.5, 1, 1]]))
    fast.l1_unstructured(layer, "weight", 4)
    assert layer.weight_mask.tolist() == [[0, 0, 1, 0], [1, 0, 1, 1]]


def test_what_autograd_saved_is_guarded():
    layer = nn.Linear(8, 8)
    loss = layer(torch.ones(1, 8, requires_grad=True)).sum()
    fast.prune_(layer, 0.5)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_prune_takes_linears_and_conv1d_and_leaves_tied_heads():
    transformers = pytest.importorskip("transformers")
    tokens = {"bos_token_id": 0, "eos_token_id": 0}
    config = transformers.GPT2Config(n_embd=32, n_layer=2, n_head=2, vocab_size=64, n_positions=16, **tokens)

    def made():
        torch.manual_seed(0)
        return transformers.GPT2LMHeadModel(config)

    model, expected = made(), made()
    found = fast.prunable_parameters(model)
    assert len(found) == 2 * 4 and all(type(part).__name__ == "Conv1D" for part, _ in found)
    assert fast.prune_(model, 0.9) is model
    theirs = fast.prunable_parameters(expected)
    prune.global_unstructured(theirs, prune.L1Unstructured, amount=0.9)
    for (mine, _), (other, _) in zip(found, theirs):
        assert torch.equal(mine.weight, other.weight)
    assert (model.transformer.wte.weight == expected.transformer.wte.weight).all()
    for part, _ in fast.prunable_parameters(fast.prune_(made(), 0.5, scope="per-tensor", in_place=False)):
        assert 2 * int(part.weight_mask.sum()) == part.weight_mask.numel()


def test_bad_input():
    layer = nn.Linear(3, 2)
    for amount, error in ((-1, ValueError), (7, ValueError), (1.5, ValueError), (float("nan"), ValueError), ("1", TypeError)):
        with pytest.raises(error, match="amount"):
            fast.prune_(layer, amount)
    with pytest.raises(ValueError, match="criterion"):
        fast.prune_(layer, 0.5, "l2")
    with pytest.raises(ValueError, match="RandomUnstructured"):
        fast.global_unstructured([(layer, "weight")], prune.RandomUnstructured, amount=0.5)
    with pytest.raises(ValueError, match="nothing to prune"):
        fast.prune_(nn.ReLU(), 0.5)
    with pytest.raises(ValueError, match="meta"):
        fast.prune_(nn.Linear(3, 2, device="meta"), 0.5)
    with pytest.raises(ValueError, match="int32"):
        layer.number = nn.Parameter(torch.zeros(2, dtype=torch.int32), requires_grad=False)
        fast.l1_unstructured(layer, "number", 1)
    prune.l1_unstructured(layer, "weight", 1)
    with pytest.raises(ValueError, match="has a mask"):
        fast.prune_(layer, 0.5)
    with pytest.raises(ValueError, match="shape"):
        fast.l1_unstructured(nn.Linear(3, 2), "weight", 1, torch.ones(5))
