"""Modules that multiply by sparse kernels, against the same modules before."""

import copy
import pickle

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import pare.torch as fast  # noqa: E402


def close(ours, theirs):
    return ours.shape == theirs.shape and (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()


def pruned_network(amount=0.9):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(256, 512), nn.GELU(), nn.Linear(512, 250, bias=False))
    return fast.prune_(network, amount)


@pytest.mark.parametrize("shape", [(256,), (1, 256), (3, 256), (2, 70, 256), (0, 256)])
def test_outputs_stay(shape):
    network = pruned_network()
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = network(x)
        assert fast.sparse_linear_(network) is network
        assert isinstance(network[0], nn.Linear) and type(network[0]) is not nn.Linear
        assert network(x).shape == expected.shape
        assert x.numel() == 0 or close(network(x), expected)
        strided = torch.randn(256, 40).t()
        assert close(network(strided), copy.deepcopy(network)(strided))


def test_the_sparse_kernels_run(monkeypatch):
    from pare import _sparse_modules

    network = fast.sparse_linear_(pruned_network())
    seen = []
    multiply = _sparse_modules.Handle.multiply
    monkeypatch.setattr(
        _sparse_modules.Handle, "multiply", lambda *args: seen.append(multiply(*args)) or seen[-1]
    )
    with torch.no_grad():
        network(torch.randn(128, 256))
    assert len(seen) == 2 and all(y is not None for y in seen)


def test_gradients_changed_weights_and_other_types_go_the_dense_way():
    network = pruned_network()
    before = copy.deepcopy(network)
    fast.sparse_linear_(network)
    x = torch.randn(64, 256)
    network(x).sum().backward()
    before(x).sum().backward()
    assert torch.equal(network[0].weight.grad, before[0].weight.grad)
    with torch.no_grad():
        for each in (network, before):
            each[0].weight[:, :10] = 2.0
        assert torch.equal(network[0](x), before[0](x))
        fast.sparse_linear_(network)
        assert close(network(x), before(x))
        assert torch.equal(network.double()(x.double()), before.double()(x.double()))


def test_state_copies_pickles_and_the_way_back():
    network = pruned_network()
    expected = network.state_dict()
    fast.sparse_linear_(network)
    assert list(network.state_dict()) == list(expected)
    x = torch.randn(64, 256)
    with torch.no_grad():
        y = network(x)
        for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
            assert close(other(x), y)
            assert close(fast.sparse_linear_(other)(x), y)
    fast.dense_linear_(network)
    assert type(network[0]) is nn.Linear and "_pare" not in network[0].__dict__


def test_dense_layers_stay_as_they_are():
    network = nn.Sequential(nn.Linear(64, 64), fast.prune_(nn.Linear(64, 64), 0.3), nn.Linear(64, 64).double())
    fast.sparse_linear_(network)
    assert all(type(layer) is nn.Linear for layer in network)
    fast.sparse_linear_(network, min_sparsity=0.2)
    assert [type(layer) is nn.Linear for layer in network] == [True, False, True]


def test_models_of_transformers():
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    tokens = {"bos_token_id": 0, "eos_token_id": 0}
    gpt2 = transformers.GPT2Config(n_embd=128, n_layer=2, n_head=2, vocab_size=64, n_positions=64, **tokens)
    bert = transformers.BertConfig(
        vocab_size=64, hidden_size=128, num_hidden_layers=2, num_attention_heads=2, intermediate_size=512
    )
    ids = torch.randint(0, 64, (4, 50))
    for model in (transformers.GPT2Model(gpt2), transformers.BertModel(bert)):
        model.eval()
        fast.prune_(model, 0.95)
        with torch.no_grad():
            expected = model(ids).last_hidden_state
            fast.sparse_linear_(model)
            assert sum(type(part).__name__.startswith("Sparse") for part in model.modules()) >= 8
            assert close(model(ids).last_hidden_state, expected)
            copied = pickle.loads(pickle.dumps(model))
            assert close(copied(ids).last_hidden_state, expected)
            fast.dense_linear_(model)
            assert not any(type(part).__name__.startswith("Sparse") for part in model.modules())
