#include "tokenize/graphemes.h"

#include "base/utf8.h"
#include "tokenize/unicode.h"

namespace pare::tokenize {
namespace {

using Break = ClusterBreak;

bool is_control(Break value) {
  return value == Break::kControl || value == Break::kCarriageReturn || value == Break::kLineFeed;
}

/// Rules GB6 to GB8: Hangul syllables.
bool joins_hangul(Break before, Break after) {
  switch (before) {
    case Break::kLeadingJamo:
      return after == Break::kLeadingJamo || after == Break::kVowelJamo || after == Break::kSyllableLv ||
             after == Break::kSyllableLvt;
    case Break::kSyllableLv:
    case Break::kVowelJamo:
      return after == Break::kVowelJamo || after == Break::kTrailingJamo;
    case Break::kSyllableLvt:
    case Break::kTrailingJamo:
      return after == Break::kTrailingJamo;
    default:
      return false;
  }
}

/// What the rules need to know of a cluster beyond its last character.
struct Context {
  bool pictographic = false;  // Extended_Pictographic Extend*
  bool joined = false;        // ... ZWJ
  bool consonant = false;     // InCB=Consonant [Extend Linker]*
  bool linked = false;        // ... with a Linker among them
  bool odd_regional = false;  // an odd number of regional indicators

  void take(CodePoint point) {
    joined = pictographic && point.cluster() == Break::kJoiner;
    pictographic = point.is_pictographic() || (pictographic && point.cluster() == Break::kExtend);
    switch (point.conjunct()) {
      case ConjunctBreak::kConsonant:
        consonant = true;
        linked = false;
        break;
      case ConjunctBreak::kLinker:
        linked = consonant;
        break;
      case ConjunctBreak::kExtend:
        break;
      case ConjunctBreak::kNone:
        consonant = linked = false;
    }
    odd_regional = point.cluster() == Break::kRegional && !odd_regional;
  }
};

bool joins(Break before, CodePoint after, const Context& context) {
  if (before == Break::kCarriageReturn && after.cluster() == Break::kLineFeed) return true;          // GB3
  if (is_control(before) || is_control(after.cluster())) return false;                               // GB4, GB5
  if (joins_hangul(before, after.cluster())) return true;                                            // GB6 to GB8
  if (after.cluster() == Break::kExtend || after.cluster() == Break::kJoiner) return true;           // GB9
  if (after.cluster() == Break::kSpacingMark || before == Break::kPrepend) return true;              // GB9a, GB9b
  if (context.linked && after.conjunct() == ConjunctBreak::kConsonant) return true;                  // GB9c
  if (context.joined && after.is_pictographic()) return true;                                        // GB11
  return context.odd_regional && before == Break::kRegional && after.cluster() == Break::kRegional;  // GB12, GB13
}

}  // namespace

std::size_t cluster_end(std::string_view text, std::size_t begin) {
  const CodePoints& points = CodePoints::get();
  Context context;
  base::Character character = base::character_at(text, begin);
  CodePoint point = points[character.code];
  std::size_t end = begin + character.size;
  while (end < text.size()) {
    context.take(point);
    character = base::character_at(text, end);
    const CodePoint after = points[character.code];
    if (!joins(point.cluster(), after, context)) break;
    point = after;
    end += character.size;
  }
  return end;
}

}  // namespace pare::tokenize
