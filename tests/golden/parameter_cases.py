"""The classes and configurations whose parameter names are compared with transformers'."""

import functools

import torch

GPT2 = dict(vocab_size=13, n_positions=6, n_embd=4, n_layer=2, n_head=2, summary_proj_to_labels=True)
BERT = dict(vocab_size=13, hidden_size=4, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8,
            max_position_embeddings=6)
DISTILBERT = dict(vocab_size=13, dim=4, n_layers=2, n_heads=2, hidden_dim=8, max_position_embeddings=6)
T5 = dict(vocab_size=13, d_model=4, d_kv=2, d_ff=8, num_layers=2, num_heads=2, relative_attention_num_buckets=4)
DECODER = dict(is_decoder=True, add_cross_attention=True)
ENCODER_CLASSES = ["Model", "ForMaskedLM", "ForSequenceClassification", "ForMultipleChoice", "ForTokenClassification",
                   "ForQuestionAnswering"]


def untie_output(model):
    """What fine-tuning or conversion can leave: an output layer of its own under a tied configuration."""
    head = model.get_output_embeddings()
    head.weight = torch.nn.Parameter(torch.randn_like(head.weight))


def keep_together(model):
    """Save the tensors of all experts as the class has them. Otherwise transformers saves a matrix for each expert."""
    model.save_pretrained = functools.partial(model.save_pretrained, save_original_format=False)


def cases():
    """(family, case, class name, configuration, change after building)."""
    for name in ["Model", "LMHeadModel", "DoubleHeadsModel", "ForSequenceClassification", "ForTokenClassification",
                 "ForQuestionAnswering"]:
        yield "gpt2", "GPT2" + name, "GPT2" + name, GPT2, None
    yield "gpt2", "untied by configuration", "GPT2LMHeadModel", GPT2 | dict(tie_word_embeddings=False), None
    yield "gpt2", "untied by value", "GPT2LMHeadModel", GPT2, untie_output
    yield "gpt2", "cross-attention", "GPT2LMHeadModel", GPT2 | dict(add_cross_attention=True), None

    for name in ENCODER_CLASSES + ["LMHeadModel", "ForPreTraining", "ForNextSentencePrediction"]:
        yield "bert", "Bert" + name, "Bert" + name, BERT, None
    yield "bert", "untied by configuration", "BertForMaskedLM", BERT | dict(tie_word_embeddings=False), None
    yield "bert", "untied by value", "BertForMaskedLM", BERT, untie_output
    yield "bert", "cross-attention", "BertLMHeadModel", BERT | DECODER, None

    for name in ENCODER_CLASSES + ["ForCausalLM"]:
        yield "roberta", "Roberta" + name, "Roberta" + name, BERT, None
        yield "xlm-roberta", "XLMRoberta" + name, "XLMRoberta" + name, BERT, None
    yield "roberta", "untied by configuration", "RobertaForMaskedLM", BERT | dict(tie_word_embeddings=False), None
    yield "camembert", "CamembertForMaskedLM", "CamembertForMaskedLM", BERT, None

    for name in ENCODER_CLASSES + ["ForPreTraining", "ForCausalLM"]:
        yield "electra", "Electra" + name, "Electra" + name, BERT | dict(embedding_size=3), None
    yield "electra", "no projection", "ElectraForMaskedLM", BERT | dict(embedding_size=4), None
    yield "electra", "untied by configuration", "ElectraForMaskedLM", BERT | dict(tie_word_embeddings=False), None

    for name in ENCODER_CLASSES:
        yield "distilbert", "DistilBert" + name, "DistilBert" + name, DISTILBERT, None
    yield "distilbert", "untied by configuration", "DistilBertForMaskedLM", DISTILBERT | dict(tie_word_embeddings=False), None

    for name in ["ForConditionalGeneration", "Model", "EncoderModel", "ForSequenceClassification", "ForTokenClassification",
                 "ForQuestionAnswering"]:
        yield "t5", "T5" + name, "T5" + name, T5, None
    gated = T5 | dict(feed_forward_proj="gated-gelu", num_decoder_layers=3)
    yield "t5", "gated", "T5ForConditionalGeneration", gated, None
    yield "t5", "gated and untied", "T5ForConditionalGeneration", gated | dict(tie_word_embeddings=False), untie_output
    yield "t5", "MT5ForConditionalGeneration", "MT5ForConditionalGeneration", gated, None
    yield "t5", "mT5 untied", "MT5ForConditionalGeneration", gated | dict(tie_word_embeddings=False), untie_output

    yield from decoders()
    yield from mixtures()
    yield from encoders()
    yield from bart()
    yield from inspected_decoders()
    yield from inspected_encoders()
    yield from images_and_sound()


# What the decoders since Llama call their sizes.
DECODER_SIZES = dict(vocab_size=13, hidden_size=8, intermediate_size=6, num_hidden_layers=2, num_attention_heads=2,
                     num_key_value_heads=1, head_dim=2, max_position_embeddings=6, pad_token_id=0, bos_token_id=1,
                     eos_token_id=2)
FOUR_CLASSES = ["Model", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification"]
FIVE_CLASSES = FOUR_CLASSES + ["ForQuestionAnswering"]
# Golden file, stem of the classes, their endings, whether their output is tied by default, options of the configuration.
LIKE_LLAMA = [
    ("llama", "Llama", FIVE_CLASSES, False, ["attention_bias", "mlp_bias"]),
    ("llama", "Mistral", FIVE_CLASSES, False, []),
    ("llama", "Granite", ["Model", "ForCausalLM"], False, ["attention_bias", "mlp_bias"]),
    ("llama", "SmolLM3", FIVE_CLASSES, True, ["attention_bias", "mlp_bias"]),
    ("llama", "Phi3", FOUR_CLASSES, False, []),
    ("llama", "Olmo2", ["Model", "ForCausalLM", "ForSequenceClassification"], False, ["attention_bias"]),
    ("qwen", "Qwen2", FIVE_CLASSES, False, []),
    ("qwen", "Qwen3", FIVE_CLASSES, False, ["attention_bias"]),
    ("gemma", "Gemma2", FOUR_CLASSES, True, ["attention_bias"]),
    ("gemma", "Gemma3", ["TextModel", "ForCausalLM", "TextForSequenceClassification"], True, ["attention_bias"]),
]


def decoders():
    for family, stem, endings, tied, options in LIKE_LLAMA:
        for ending in endings:
            yield family, stem + ending, stem + ending, DECODER_SIZES, None
        causal = stem + "ForCausalLM"
        flipped = DECODER_SIZES | dict(tie_word_embeddings=not tied)
        yield family, f"{causal} {'untied' if tied else 'tied'}", causal, flipped, None
        for option in options:
            yield family, f"{causal} with {option}", causal, DECODER_SIZES | {option: True}, None
    sizes = {key: DECODER_SIZES[key] for key in ["vocab_size", "hidden_size", "num_attention_heads", "max_position_embeddings"]}
    opt = sizes | dict(ffn_dim=6, num_hidden_layers=2, word_embed_proj_dim=8, pad_token_id=0)
    for name in ["Model", "ForCausalLM", "ForSequenceClassification", "ForQuestionAnswering"]:
        yield "opt", "OPT" + name, "OPT" + name, opt, None
    for title, change in {
        "untied": dict(tie_word_embeddings=False), "projections": dict(word_embed_proj_dim=4),
        "as the 350m": dict(word_embed_proj_dim=4, do_layer_norm_before=False),
        "no final norm": dict(_remove_final_layer_norm=True), "no biases": dict(enable_bias=False),
        "plain norms": dict(layer_norm_elementwise_affine=False),
    }.items():
        yield "opt", title, "OPTForCausalLM", opt | change, None
    neox = sizes | dict(intermediate_size=6, num_hidden_layers=2)
    bloom = dict(vocab_size=13, hidden_size=8, n_layer=2, n_head=2)
    for name in FIVE_CLASSES:
        yield "gpt_neox", "GPTNeoX" + name, "GPTNeoX" + name, neox, None
        yield "bloom", "Bloom" + name, "Bloom" + name, bloom, None
    yield "gpt_neox", "tied", "GPTNeoXForCausalLM", neox | dict(tie_word_embeddings=True), None
    yield "gpt_neox", "no attention_bias", "GPTNeoXForCausalLM", neox | dict(attention_bias=False), None
    yield "bloom", "untied", "BloomForCausalLM", bloom | dict(tie_word_embeddings=False), None


def mixtures():
    mixtral = DECODER_SIZES | dict(num_local_experts=3)
    qwen = DECODER_SIZES | dict(num_experts=3, moe_intermediate_size=5, shared_expert_intermediate_size=7)
    deepseek = DECODER_SIZES | dict(num_key_value_heads=2, n_routed_experts=4, n_group=2, topk_group=1, moe_intermediate_size=5,
                                    kv_lora_rank=4, q_lora_rank=5, qk_rope_head_dim=2, v_head_dim=4, qk_nope_head_dim=4,
                                    first_k_dense_replace=1)
    for stem, sizes, endings in [("Mixtral", mixtral, FIVE_CLASSES), ("Qwen2Moe", qwen, FIVE_CLASSES),
                                 ("Qwen3Moe", qwen, FIVE_CLASSES), ("DeepseekV3", deepseek, FOUR_CLASSES),
                                 ("GptOss", mixtral, FOUR_CLASSES)]:
        causal = stem + "ForCausalLM"
        for ending in endings:
            yield "mixture", stem + ending, stem + ending, sizes, None
        yield "mixture", causal + " tied", causal, sizes | dict(tie_word_embeddings=True), None
        if stem != "GptOss":
            yield "mixture", causal + ", experts together", causal, sizes, keep_together
    for stem in ["Qwen2Moe", "Qwen3Moe"]:
        causal = stem + "ForCausalLM"
        yield "mixture", causal + " with a dense layer", causal, qwen | dict(mlp_only_layers=[0]), None
        yield "mixture", causal + " with every second layer dense", causal, qwen | dict(decoder_sparse_step=2), None
    yield "mixture", "Qwen2Moe without biases", "Qwen2MoeForCausalLM", qwen | dict(qkv_bias=False), None
    yield "mixture", "Qwen3Moe with biases", "Qwen3MoeForCausalLM", qwen | dict(attention_bias=True), None
    yield "mixture", "DeepseekV3 with biases", "DeepseekV3ForCausalLM", deepseek | dict(attention_bias=True), None
    yield "mixture", "DeepseekV3, wide queries", "DeepseekV3ForCausalLM", deepseek | dict(q_lora_rank=None), None
    yield "mixture", "GptOss without biases", "GptOssForCausalLM", mixtral | dict(attention_bias=False), None


def encoders():
    modernbert = DECODER_SIZES | dict(cls_token_id=3, sep_token_id=4)
    for name in ENCODER_CLASSES:
        yield "modernbert", "ModernBert" + name, "ModernBert" + name, modernbert, None
        yield "mpnet", "MPNet" + name, "MPNet" + name, BERT, None
    for option in ["attention_bias", "mlp_bias", "norm_bias", "classifier_bias"]:
        yield "modernbert", "with " + option, "ModernBertForMaskedLM", modernbert | {option: True}, None
    for option in ["decoder_bias", "tie_word_embeddings"]:
        yield "modernbert", "without " + option, "ModernBertForMaskedLM", modernbert | {option: False}, None
    yield "mpnet", "untied", "MPNetForMaskedLM", BERT | dict(tie_word_embeddings=False), None


def bart():
    sizes = dict(vocab_size=13, d_model=4, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2,
                 decoder_attention_heads=2, encoder_ffn_dim=6, decoder_ffn_dim=6, max_position_embeddings=6)
    for name in ["Model", "ForConditionalGeneration", "ForSequenceClassification", "ForQuestionAnswering", "ForCausalLM"]:
        yield "bart", "Bart" + name, "Bart" + name, sizes, None
    for name in ["ForConditionalGeneration", "ForCausalLM"]:
        yield "bart", f"Bart{name} untied", "Bart" + name, sizes | dict(tie_word_embeddings=False), None


def inspected_decoders():
    """Decoders that only inspect and prune, as the encoders and the models of images and sound below."""
    shared = {key: value for key, value in DECODER_SIZES.items() if key != "head_dim"}
    older = dict(vocab_size=13, n_embd=8, n_layer=2, n_head=2, n_positions=6)
    falcon = dict(vocab_size=13, hidden_size=8, num_hidden_layers=2, num_attention_heads=2)
    for name in FOUR_CLASSES:
        yield "gemma", "Gemma" + name, "Gemma" + name, DECODER_SIZES, None
        yield "starcoder", "GPTBigCode" + name, "GPTBigCode" + name, older, None
        yield "starcoder", "Starcoder2" + name, "Starcoder2" + name, shared, None
        yield "phi", "Phi" + name, "Phi" + name, shared, None
    for name in FIVE_CLASSES:
        yield "falcon", "Falcon" + name, "Falcon" + name, falcon, None
    yield "gemma", "Gemma with attention_bias", "GemmaForCausalLM", DECODER_SIZES | dict(attention_bias=True), None
    for family, stem, sizes, tied in [("starcoder", "GPTBigCode", older, True), ("starcoder", "Starcoder2", shared, True),
                                      ("phi", "Phi", shared, False), ("falcon", "Falcon", falcon, True)]:
        causal = stem + "ForCausalLM"
        yield family, f"{causal} {'untied' if tied else 'tied'}", causal, sizes | dict(tie_word_embeddings=not tied), None
    yield "starcoder", "Starcoder2 without biases", "Starcoder2ForCausalLM", shared | dict(use_bias=False), None
    yield "phi", "Phi with norms of heads", "PhiForCausalLM", shared | dict(qk_layernorm=True), None
    recent = falcon | dict(new_decoder_architecture=True, num_kv_heads=1)
    yield "falcon", "Falcon with biases", "FalconForCausalLM", falcon | dict(bias=True), None
    yield "falcon", "recent Falcon", "FalconForCausalLM", recent, None
    yield "falcon", "recent Falcon, one norm", "FalconForCausalLM", recent | dict(num_ln_in_parallel_attn=1), None
    yield "falcon", "sequential Falcon", "FalconForCausalLM", falcon | dict(parallel_attn=False, alibi=True), None
    for name in ["Model", "ForCausalLM"]:
        yield "llama", "Cohere" + name, "Cohere" + name, shared, None
    yield "llama", "Cohere with norms of heads", "CohereForCausalLM", shared | dict(use_qk_norm=True), None
    yield "llama", "Cohere with attention_bias", "CohereForCausalLM", shared | dict(attention_bias=True), None


def inspected_encoders():
    deberta = BERT | dict(relative_attention=True, position_buckets=4, norm_rel_ebd="layer_norm", share_att_key=True,
                          pos_att_type=["p2c", "c2p"], position_biased_input=False, type_vocab_size=0)
    for name in ENCODER_CLASSES:
        yield "deberta", "DebertaV2" + name, "DebertaV2" + name, deberta, None
        yield "albert", "Albert" + name, "Albert" + name, BERT | dict(embedding_size=3), None
    for title, change in {
        "untied": dict(tie_word_embeddings=False), "newer head": dict(legacy=False),
        "convolution": dict(conv_kernel_size=3), "types and positions": dict(type_vocab_size=2, position_biased_input=True),
        "own projections": dict(share_att_key=False), "own keys": dict(share_att_key=False, pos_att_type="c2p"),
        "projected embeddings": dict(embedding_size=2), "absolute": dict(relative_attention=False, norm_rel_ebd="none"),
    }.items():
        yield "deberta", title, "DebertaV2ForMaskedLM", deberta | change, None
    yield "albert", "AlbertForPreTraining", "AlbertForPreTraining", BERT | dict(embedding_size=3), None
    yield "albert", "two groups", "AlbertForMaskedLM", BERT | dict(embedding_size=4, num_hidden_groups=2), None
    yield "albert", "untied", "AlbertForMaskedLM", BERT | dict(embedding_size=4, tie_word_embeddings=False), None


def images_and_sound():
    whisper = dict(vocab_size=13, d_model=4, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2,
                   decoder_attention_heads=2, encoder_ffn_dim=6, decoder_ffn_dim=6, max_source_positions=4, pad_token_id=0,
                   max_target_positions=5, num_mel_bins=3, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
                   classifier_proj_size=5)
    for name in ["Model", "ForConditionalGeneration", "ForCausalLM", "ForAudioClassification"]:
        yield "whisper", "Whisper" + name, "Whisper" + name, whisper, None
    text = dict(vocab_size=13, hidden_size=4, intermediate_size=6, num_hidden_layers=2, num_attention_heads=2,
                max_position_embeddings=6, projection_dim=3, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    image = dict(hidden_size=4, intermediate_size=6, num_hidden_layers=1, num_attention_heads=2, image_size=4, patch_size=2)
    both = dict(text_config=text, vision_config=image | dict(projection_dim=3), projection_dim=3)
    for name in ["Model", "ForImageClassification"]:
        yield "clip", "CLIP" + name, "CLIP" + name, both, None
        yield "clip", "Siglip" + name, "Siglip" + name, dict(text_config=text, vision_config=image), None
        yield "vision", "ViT" + name, "ViT" + name, image, None
        dinov2 = {key: value for key, value in image.items() if key != "intermediate_size"} | dict(mlp_ratio=2)
        yield "vision", "Dinov2" + name, "Dinov2" + name, dinov2, None
    for name in ["Model", "ModelWithProjection"]:
        yield "clip", "CLIPText" + name, "CLIPText" + name, text, None
        yield "clip", "CLIPVision" + name, "CLIPVision" + name, image | dict(projection_dim=3), None
    yield "clip", "SiglipTextModel", "SiglipTextModel", text, None
    yield "clip", "SiglipVisionModel", "SiglipVisionModel", image, None
    yield "clip", "SiglipVisionModel without a head", "SiglipVisionModel", image | dict(vision_use_head=False), None
    yield "vision", "ViT without biases", "ViTModel", image | dict(qkv_bias=False), None
    yield "vision", "DINOv2 without a mask", "Dinov2Model", dinov2 | dict(use_mask_token=False), None
    sound = dict(vocab_size=13, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=6, conv_dim=(4, 3),
                 conv_kernel=(3, 3), conv_stride=(2, 2), num_feat_extract_layers=2, num_conv_pos_embeddings=4,
                 num_conv_pos_embedding_groups=2, num_codevectors_per_group=4, codevector_dim=4, proj_codevector_dim=5,
                 classifier_proj_size=5)
    for name in ["Model", "ForCTC", "ForPreTraining", "ForSequenceClassification"]:
        yield "wav2vec2", "Wav2Vec2" + name, "Wav2Vec2" + name, sound, None
    stable = dict(feat_extract_norm="layer", conv_bias=True, do_stable_layer_norm=True)
    yield "wav2vec2", "layer norms and biases", "Wav2Vec2ForCTC", sound | stable, None
    yield "wav2vec2", "never masked", "Wav2Vec2ForCTC", sound | dict(mask_time_prob=0.0), None
