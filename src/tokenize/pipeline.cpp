#include "tokenize/pipeline.h"

#include "base/utf8.h"
#include "pare/error.h"

namespace pare::tokenize {
namespace {

/// Positions within a word have 32 bits, and normalization may lengthen a text.
constexpr std::size_t kLongestText = std::size_t{1} << 28;

}  // namespace

/// Memory of one call.
struct Pipeline::Work {
  std::string normalized, other;
  Scratch scratch;
};

Pipeline::Pipeline(PipelineParts parts)
    : parts_(std::move(parts)),
      bpe_(dynamic_cast<const Bpe*>(parts_.algorithm.get())),
      needs_first_(parts_.pre_tokenizer.needs_first()),
      size_(parts_.algorithm->size() + parts_.added.beyond(parts_.algorithm->size())) {
  special_ = parts_.special;
}

std::vector<std::int32_t> Pipeline::encode(std::string_view text, bool add_special_tokens) const {
  if (text.size() > kLongestText)
    throw Error(ErrorCode::kLimit, "a text of " + std::to_string(text.size()) +
                                       " bytes is too long to be tokenized at once (at most " +
                                       std::to_string(kLongestText) + ")");
  if (const auto wrong = base::first_invalid_utf8(text))
    throw Error(ErrorCode::kArgument, "the text is not UTF-8 at byte " + std::to_string(*wrong));
  std::vector<std::int32_t> ids;
  ids.reserve(text.size() / 3 + 4);
  if (add_special_tokens) ids = parts_.before;
  Work work;
  parts_.added.split(
      text, false, [&](std::string_view piece, std::size_t begin) { encode_piece(piece, begin == 0, work, ids); },
      [&](std::int32_t id) { ids.push_back(id); });
  if (add_special_tokens) ids.insert(ids.end(), parts_.after.begin(), parts_.after.end());
  return ids;
}

void Pipeline::encode_piece(std::string_view piece, bool first, Work& work, std::vector<std::int32_t>& ids) const {
  std::size_t from_first = first && needs_first_ ? base::character_size(piece[0]) : 0;
  const std::string_view normalized = parts_.normalizer.apply(piece, from_first, work.normalized, work.other);
  if (!parts_.added.any_normalized()) return encode_normalized(normalized, from_first, work, ids);
  parts_.added.split(
      normalized, true,
      [&](std::string_view part, std::size_t begin) {
        encode_normalized(part, from_first > begin ? from_first - begin : 0, work, ids);
      },
      [&](std::int32_t id) { ids.push_back(id); });
}

void Pipeline::encode_normalized(std::string_view text, std::size_t first, Work& work,
                                 std::vector<std::int32_t>& ids) const {
  // A call that is known at compile time costs less for each word.
  if (bpe_ != nullptr) {
    parts_.pre_tokenizer.for_words(text, first, work.scratch,
                                   [&](std::string_view word) { bpe_->encode_word(word, work.scratch, ids); });
  } else {
    parts_.pre_tokenizer.for_words(text, first, work.scratch, [&](std::string_view word) {
      parts_.algorithm->encode_word(word, work.scratch, ids);
    });
  }
}

std::string Pipeline::decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const {
  std::vector<std::string_view> tokens;
  tokens.reserve(ids.size());
  for (const std::int32_t id : ids) {
    std::string_view token;
    if (const AddedToken* added = parts_.added.find(id))
      token = added->content;
    else if (id >= 0 && static_cast<std::size_t>(id) < parts_.algorithm->size())
      token = parts_.algorithm->token(id);
    else
      continue;
    if (!skip_special_tokens || !parts_.added.is_special(token)) tokens.push_back(token);
  }
  std::string text = parts_.decoder.decode(tokens);
  if (parts_.clean_up_spaces) clean_up_spaces(text);
  return text;
}

}  // namespace pare::tokenize
