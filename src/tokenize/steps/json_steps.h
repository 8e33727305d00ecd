// Normalizers, pre-tokenizers and decoders as tokenizer.json has them.
#pragma once

#include "base/json.h"
#include "pare/error.h"
#include "tokenize/charsmap.h"
#include "tokenize/steps/normalizer.h"
#include "tokenize/steps/pre_tokenizer.h"
#include "tokenize/steps/token_decoder.h"

namespace pare::tokenize {

using base::JsonFile;
using base::JsonValue;

// Each function throws Error naming the file, the key and the cause.

Normalizer json_normalizer(const JsonFile& file);
PreTokenizer json_pre_tokenizer(const JsonFile& file);
Decoder json_decoder(const JsonFile& file);

/// The map of the first Precompiled normalizer, or an empty map if there is none.
Charsmap json_charsmap(const JsonFile& file);

/// The steps under `key`: the members of a Sequence (`list` is their key), or the single step itself.
std::vector<JsonValue> json_steps(const JsonFile& file, std::string_view key, std::string_view list);
std::string_view json_type(const JsonValue& step);
[[noreturn]] void refuse_step(const JsonValue& step);

}  // namespace pare::tokenize
