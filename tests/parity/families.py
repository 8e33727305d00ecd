"""Forward passes of every family that pare runs against transformers, on tiny random models, one for each option of the
configuration that changes what is computed; what beam search finds; and layers that run stage by stage."""

import torch
import transformers as hf

from running import difference_by_stages, draw, outputs, text

RELATIVE = 1e-4  # largest difference, of the largest logit
LENGTHS = [1, 7, 23, 40]
PANEL = [62]  # a sequence that pare runs as a panel
SMALL = dict(vocab_size=97, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
             max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2)
GROUPED = dict(SMALL, num_key_value_heads=2)
YARN = dict(rope_type="yarn", rope_theta=500.0, factor=4.0, original_max_position_embeddings=16)
LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=16)
LONG = dict(rope_type="longrope", rope_theta=100.0, short_factor=[1.0, 1.1, 1.3, 1.5], long_factor=[2.0, 3.0, 4.0, 6.0],
            original_max_position_embeddings=24)


def decoders():
    """(name, class, configuration) of every decoder and option."""
    llama = lambda **more: (hf.LlamaForCausalLM, hf.LlamaConfig(**{**GROUPED, **more}))
    yield "llama", *llama()
    yield "llama, tied, biases, wide heads", *llama(tie_word_embeddings=True, attention_bias=True, mlp_bias=True, head_dim=12)
    yield "llama, gelu", *llama(hidden_act="gelu")
    yield "llama, linear rope", *llama(rope_parameters=dict(rope_type="linear", rope_theta=100.0, factor=2.5))
    yield "llama, dynamic rope", *llama(max_position_embeddings=16,
                                        rope_parameters=dict(rope_type="dynamic", rope_theta=100.0, factor=2.0))
    yield "llama, llama3 rope", *llama(rope_parameters=LLAMA3)
    yield "llama, yarn rope", *llama(rope_parameters=YARN)
    yield "llama, yarn with mscale", *llama(rope_parameters=dict(YARN, mscale=0.7, mscale_all_dim=0.9, truncate=False))
    yield "llama, longrope", *llama(rope_parameters=LONG)
    yield "llama, partial rotation", *llama(rope_parameters=dict(rope_type="default", rope_theta=100.0))
    yield "mistral, window 5", hf.MistralForCausalLM, hf.MistralConfig(**GROUPED, sliding_window=5)
    yield "mistral", hf.MistralForCausalLM, hf.MistralConfig(**GROUPED, sliding_window=None)
    yield "qwen2", hf.Qwen2ForCausalLM, hf.Qwen2Config(**GROUPED)
    yield "qwen2, windows", hf.Qwen2ForCausalLM, hf.Qwen2Config(**GROUPED, use_sliding_window=True, sliding_window=6,
                                                                max_window_layers=1)
    yield "qwen3", hf.Qwen3ForCausalLM, hf.Qwen3Config(**GROUPED, head_dim=16)
    yield "granite", hf.GraniteForCausalLM, hf.GraniteConfig(**GROUPED, embedding_multiplier=3.0, logits_scaling=4.0,
                                                             residual_multiplier=0.3, attention_multiplier=0.2)
    yield "smollm3", hf.SmolLM3ForCausalLM, hf.SmolLM3Config(**GROUPED, no_rope_layer_interval=2)
    yield "smollm3, windows", hf.SmolLM3ForCausalLM, hf.SmolLM3Config(
        **GROUPED, no_rope_layers=[1, 0, 0], use_sliding_window=True, sliding_window=4)
    yield "phi3", hf.Phi3ForCausalLM, hf.Phi3Config(**GROUPED)
    yield "phi3, window, partial", hf.Phi3ForCausalLM, hf.Phi3Config(
        **GROUPED, sliding_window=9, rope_parameters=dict(rope_type="default", rope_theta=100.0, partial_rotary_factor=0.5))
    yield "phi3, longrope", hf.Phi3ForCausalLM, hf.Phi3Config(**GROUPED, original_max_position_embeddings=24,
                                                              rope_parameters=dict(LONG))
    yield "olmo2", hf.Olmo2ForCausalLM, hf.Olmo2Config(**GROUPED)
    yield "gemma2", hf.Gemma2ForCausalLM, hf.Gemma2Config(**GROUPED, head_dim=8, query_pre_attn_scalar=20, sliding_window=5,
                                                          attn_logit_softcapping=2.0, final_logit_softcapping=3.0)
    yield "gemma2, no caps", hf.Gemma2ForCausalLM, hf.Gemma2Config(
        **GROUPED, head_dim=8, attn_logit_softcapping=None, final_logit_softcapping=None)
    yield "gemma3", hf.Gemma3ForCausalLM, hf.Gemma3TextConfig(**GROUPED, head_dim=8, sliding_window=5,
                                                              layer_types=["sliding_attention", "full_attention"] * 1
                                                              + ["sliding_attention"])
    yield "gemma3, scaled", hf.Gemma3ForCausalLM, hf.Gemma3TextConfig(
        **GROUPED, head_dim=8, sliding_window=7, sliding_window_pattern=2, final_logit_softcapping=4.0, rope_parameters={
            "full_attention": dict(rope_type="linear", rope_theta=900.0, factor=3.0),
            "sliding_attention": dict(rope_type="default", rope_theta=50.0)})
    yield "gemma", hf.GemmaForCausalLM, hf.GemmaConfig(**GROUPED, head_dim=12)
    yield "starcoder2", hf.Starcoder2ForCausalLM, hf.Starcoder2Config(**GROUPED)
    yield "starcoder2, window, no biases", hf.Starcoder2ForCausalLM, hf.Starcoder2Config(**GROUPED, sliding_window=5,
                                                                                         use_bias=False)
    bigcode = dict(vocab_size=97, n_embd=32, n_layer=3, n_head=4, n_positions=64)
    yield "gpt_bigcode", hf.GPTBigCodeForCausalLM, hf.GPTBigCodeConfig(**bigcode)
    yield "gpt_bigcode, own keys", hf.GPTBigCodeForCausalLM, hf.GPTBigCodeConfig(**bigcode, multi_query=False, n_inner=40)
    yield "phi", hf.PhiForCausalLM, hf.PhiConfig(**SMALL)
    yield "phi, grouped, norms of heads", hf.PhiForCausalLM, hf.PhiConfig(**GROUPED, qk_layernorm=True)
    opt = dict(vocab_size=97, hidden_size=32, ffn_dim=48, num_hidden_layers=3, num_attention_heads=4,
               max_position_embeddings=64, pad_token_id=1, bos_token_id=2, eos_token_id=2)
    yield "opt", hf.OPTForCausalLM, hf.OPTConfig(**opt, word_embed_proj_dim=32)
    yield "opt, like the 350m", hf.OPTForCausalLM, hf.OPTConfig(**opt, word_embed_proj_dim=24, do_layer_norm_before=False)
    yield "opt, no biases, no last norm", hf.OPTForCausalLM, hf.OPTConfig(**opt, word_embed_proj_dim=32, enable_bias=False,
                                                                          _remove_final_layer_norm=True)
    falcon = dict(vocab_size=97, hidden_size=32, num_hidden_layers=3, num_attention_heads=4)
    yield "falcon", hf.FalconForCausalLM, hf.FalconConfig(**falcon)
    yield "falcon, biases, own keys, serial", hf.FalconForCausalLM, hf.FalconConfig(
        **falcon, bias=True, multi_query=False, parallel_attn=False, ffn_hidden_size=40)
    yield "falcon, recent", hf.FalconForCausalLM, hf.FalconConfig(**falcon, new_decoder_architecture=True, num_kv_heads=2)
    yield "falcon, recent, one norm", hf.FalconForCausalLM, hf.FalconConfig(
        **falcon, new_decoder_architecture=True, num_kv_heads=4, num_ln_in_parallel_attn=1)
    yield "gpt_neox", hf.GPTNeoXForCausalLM, hf.GPTNeoXConfig(**SMALL)
    yield "gpt_neox, serial, all rotated, no bias", hf.GPTNeoXForCausalLM, hf.GPTNeoXConfig(
        **SMALL, use_parallel_residual=False, attention_bias=False,
        rope_parameters=dict(rope_type="default", rope_theta=77.0, partial_rotary_factor=1.0))
    bloom = dict(vocab_size=97, hidden_size=36, n_layer=3, pad_token_id=3, bos_token_id=1, eos_token_id=2)
    yield "bloom", hf.BloomForCausalLM, hf.BloomConfig(**bloom, n_head=4)
    yield "bloom, 6 heads, other residual", hf.BloomForCausalLM, hf.BloomConfig(
        **bloom, n_head=6, apply_residual_connection_post_layernorm=True)


    mixture = {**GROUPED, "intermediate_size": 24}
    yield "mixtral", hf.MixtralForCausalLM, hf.MixtralConfig(**mixture, num_local_experts=5, num_experts_per_tok=2)
    yield "mixtral, window", hf.MixtralForCausalLM, hf.MixtralConfig(**mixture, num_local_experts=3, num_experts_per_tok=3,
                                                                     sliding_window=6)
    moe = dict(GROUPED, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=20, head_dim=8)
    yield "qwen3_moe", hf.Qwen3MoeForCausalLM, hf.Qwen3MoeConfig(**moe, norm_topk_prob=True)
    yield "qwen3_moe, some layers dense", hf.Qwen3MoeForCausalLM, hf.Qwen3MoeConfig(**moe, mlp_only_layers=[1])
    yield "qwen3_moe, every second", hf.Qwen3MoeForCausalLM, hf.Qwen3MoeConfig(**moe, decoder_sparse_step=2)


def encoders():
    bert = dict(vocab_size=97, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48,
                max_position_embeddings=64, pad_token_id=1)
    yield "roberta", hf.RobertaForMaskedLM, hf.RobertaConfig(**bert)
    yield "xlm-roberta", hf.XLMRobertaForMaskedLM, hf.XLMRobertaConfig(**bert)
    yield "camembert", hf.CamembertForMaskedLM, hf.CamembertConfig(**bert)
    yield "electra", hf.ElectraForMaskedLM, hf.ElectraConfig(**{**bert, "pad_token_id": 0}, embedding_size=20)
    yield "distilbert", hf.DistilBertForMaskedLM, hf.DistilBertConfig(vocab_size=97, dim=32, n_layers=3, n_heads=4,
                                                                      hidden_dim=48, max_position_embeddings=64)
    yield "mpnet", hf.MPNetForMaskedLM, hf.MPNetConfig(**bert)
    modern = dict(vocab_size=97, hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=48,
                  max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2,
                  local_attention=10)
    yield "modernbert", hf.ModernBertForMaskedLM, hf.ModernBertConfig(**modern)
    yield "modernbert, biases", hf.ModernBertForMaskedLM, hf.ModernBertConfig(
        **modern, norm_bias=True, attention_bias=True, mlp_bias=True, classifier_bias=True, decoder_bias=False,
        global_attn_every_n_layers=2)


def classifiers():
    bert = dict(vocab_size=97, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
                max_position_embeddings=64, pad_token_id=1, num_labels=3)
    yield "roberta", hf.RobertaForSequenceClassification, hf.RobertaConfig(**bert)
    yield "electra", hf.ElectraForSequenceClassification, hf.ElectraConfig(**bert)
    yield "mpnet", hf.MPNetForSequenceClassification, hf.MPNetConfig(**bert)
    yield "distilbert", hf.DistilBertForSequenceClassification, hf.DistilBertConfig(
        vocab_size=97, dim=32, n_layers=2, n_heads=4, hidden_dim=48, max_position_embeddings=64, num_labels=3)
    modern = dict(bert, pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2, local_attention=10)
    for pooling in ("cls", "mean"):
        yield f"modernbert, {pooling}", hf.ModernBertForSequenceClassification, hf.ModernBertConfig(
            **modern, classifier_pooling=pooling)


def encoder_decoders():
    bart = dict(vocab_size=97, d_model=32, encoder_layers=2, decoder_layers=3, encoder_attention_heads=4,
                decoder_attention_heads=2, encoder_ffn_dim=40, decoder_ffn_dim=48, max_position_embeddings=64,
                pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2)
    yield "bart", hf.BartForConditionalGeneration, hf.BartConfig(**bart)
    yield "bart, scaled", hf.BartForConditionalGeneration, hf.BartConfig(**bart, scale_embedding=True,
                                                                         activation_function="relu")


def randomize(model):
    """Weights of a size that makes every part of the model matter."""
    generator = torch.Generator().manual_seed(7)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        plain_norm = parameter.dim() == 1 and name.endswith("weight") and "Gemma" not in type(model).__name__
        parameter.data = 1 + 0.2 * noise if plain_norm else (0.2 if parameter.dim() == 1 else 0.25) * noise


@torch.no_grad()
def compare(oracle, what, directory, model, kind="logits", lengths=LENGTHS):
    rows = draw(model.config.vocab_size, lengths)
    lines = list(map(text, rows))
    if kind == "decode":
        targets = draw(model.config.vocab_size, lengths[::-1], seed=2)
        lines = [f"{line} | {text(target)}" for line, target in zip(lines, targets)]
        theirs = [model(input_ids=row[None], decoder_input_ids=target[None]).logits[0] for row, target in zip(rows, targets)]
    else:
        theirs = [model(row[None]).logits.reshape(-1, model(row[None]).logits.shape[-1]) for row in rows]
    theirs = torch.cat(theirs).numpy().ravel()
    try:
        ours = outputs(oracle, directory, kind, lines)
    except RuntimeError as error:
        return oracle.check(f"{what}: {kind}", False, error)
    if ours.size != theirs.size:
        return oracle.check(f"{what}: {kind}", False, (ours.size, theirs.size))
    if kind != "classify":
        wrong = difference_by_stages(oracle, directory, lines)
        oracle.check(f"{what}: stages", not wrong, wrong)
    relative = float(abs(ours - theirs).max() / abs(theirs).max())
    oracle.check(f"{what}: {kind}", relative <= RELATIVE, f"{relative:.1e} of the largest logit")
    print(f"  {what}: {kind} {relative:.1e} of the largest", flush=True)


@torch.no_grad()
def compare_beams(oracle, what, directory, model):
    """Greedy and with three beams, from prompts of different lengths, each on its own as padding would change them."""
    for beams in (1, 3):
        for prompt in draw(model.config.vocab_size, [1, 5, 12]):
            theirs = model.generate(prompt[None], attention_mask=torch.ones_like(prompt[None]), num_beams=beams,
                                    max_new_tokens=20, do_sample=False, eos_token_id=2, pad_token_id=0)[0, len(prompt):]
            ours = outputs(oracle, directory, "beams", [f"{beams} 20 2 | {text(prompt)}"]).split()
            oracle.check(f"{what}: {beams} beams", ours == text(theirs).split(), (ours, theirs))


def run(oracle, scratch):
    cases = [(case, "logits") for case in (*decoders(), *encoders())]
    cases += [(case, "classify") for case in classifiers()] + [(case, "decode") for case in encoder_decoders()]
    for i, ((what, model_class, config), kind) in enumerate(cases):
        directory = scratch / f"family-{i}"
        model = model_class(config).eval()
        randomize(model)
        model.tie_weights()
        model.save_pretrained(directory)
        model = model_class.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
        compare(oracle, what, directory, model, kind)
        compare(oracle, f"{what}, as a panel", directory, model, kind, PANEL)
        if what in ("llama", "gemma3", "opt", "bloom", "gpt_neox", "mixtral"):
            compare_beams(oracle, what, directory, model)
