#include "checkpoint/torch/pickle_machine.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/bytes.h"
#include "checkpoint/torch/pickle.h"
#include "checkpoint/torch/pickle_opcodes.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

std::string hex(unsigned char byte) {
  char digits[8];
  std::snprintf(digits, sizeof digits, "0x%02x", byte);
  return digits;
}

}  // namespace

PickleMachine::PickleMachine(std::span<const std::byte> pickle, const std::filesystem::path& path,
                             const std::string& title)
    : pickle_(base::as_text(pickle)), path_(path), title_(title) {
  if (pickle_.size() > kMaxPickleBytes)
    throw Error(ErrorCode::kLimit, path_,
                title_ + ": has " + std::to_string(pickle_.size()) + " bytes, more than the " +
                    std::to_string(kMaxPickleBytes) + " that pare reads as a pickle");
}

PickleMachine::Value PickleMachine::run() {
  if (pickle_.empty() || static_cast<unsigned char>(pickle_[0]) != opcode::kProto)
    fail("is not a pickle of protocol 2 to 5");
  while (!stopped_) {
    opcode_at_ = at_;
    step(take_number<unsigned char>());
  }
  if (stack_.size() != 1 || !marks_.empty()) fail("stops with " + std::to_string(stack_.size()) + " values, not one");
  return stack_.back();
}

void PickleMachine::fail(const std::string& cause, ErrorCode code) const {
  throw Error(code, path_, title_ + ": " + cause + " (byte " + std::to_string(opcode_at_) + " of the pickle)");
}

std::string_view PickleMachine::take(std::uint64_t size) {
  if (size > pickle_.size() - at_)
    fail("needs " + std::to_string(size) + " bytes where " + std::to_string(pickle_.size() - at_) + " are left");
  const std::string_view taken = pickle_.substr(at_, size);
  at_ += size;
  return taken;
}

template <typename T>
T PickleMachine::take_number() {
  T number;
  std::memcpy(&number, take(sizeof number).data(), sizeof number);
  return number;
}

std::string_view PickleMachine::take_line() {
  const std::size_t end = pickle_.find('\n', at_);
  if (end == std::string_view::npos) fail("is cut off in the middle of a name");
  const std::string_view line = pickle_.substr(at_, end - at_);
  at_ = end + 1;
  return line;
}

void PickleMachine::step(unsigned char opcode) {
  if (step_memo(opcode) || step_text(opcode) || step_scalar(opcode) || step_container(opcode) || step_object(opcode))
    return;
  switch (opcode) {
    case opcode::kProto:
      return protocol(take_number<unsigned char>());
    case opcode::kFrame:
      take_number<std::uint64_t>();
      return;  // a prefetching hint
    case opcode::kMark:
      marks_.push_back(stack_.size());
      break;
    case opcode::kStop:
      stopped_ = true;
      return;
    case opcode::kPop:
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return;
    case opcode::kPopMark:
      stack_.resize(pop_mark());
      return;
    default:
      fail("has the opcode " + hex(opcode) + ", which tensors do not need", ErrorCode::kUnsupported);
  }
  if (marks_.size() > kMaxPickleValues) fail("has too many marks", ErrorCode::kLimit);
}

void PickleMachine::protocol(unsigned char version) {
  if (version < 2 || version > 5)
    fail("has pickle protocol " + std::to_string(version) + ", not 2 to 5", ErrorCode::kUnsupported);
}

bool PickleMachine::step_scalar(unsigned char opcode) {
  switch (opcode) {
    case opcode::kNone:
      push({Kind::kNone});
      return true;
    case opcode::kNewTrue:
      push({Kind::kBool, 0, 1});
      return true;
    case opcode::kNewFalse:
      push({Kind::kBool, 0, 0});
      return true;
    case opcode::kBinInt:
      push({Kind::kInt, 0, take_number<std::int32_t>()});
      return true;
    case opcode::kBinInt1:
      push({Kind::kInt, 0, take_number<std::uint8_t>()});
      return true;
    case opcode::kBinInt2:
      push({Kind::kInt, 0, take_number<std::uint16_t>()});
      return true;
    case opcode::kLong1:
      take_long(take_number<std::uint8_t>());
      return true;
    case opcode::kLong4:
      take_long(take_number<std::uint32_t>());
      return true;
    case opcode::kBinFloat:
      push_opaque(sizeof(double));
      return true;
    default:
      return false;
  }
}

/// Two's complement, little-endian, any length; a value that exceeds 64 bits is not a valid size.
void PickleMachine::take_long(std::uint64_t size) {
  if (size > sizeof(std::int64_t)) return push_opaque(size);
  const std::string_view digits = take(size);
  const bool negative = !digits.empty() && (static_cast<unsigned char>(digits.back()) & 0x80) != 0;
  std::int64_t number = negative ? -1 : 0;
  if (!digits.empty()) std::memcpy(&number, digits.data(), digits.size());
  push({Kind::kInt, 0, number});
}

bool PickleMachine::step_text(unsigned char opcode) {
  switch (opcode) {
    case opcode::kShortBinUnicode:
    case opcode::kShortBinString:
      push_text(take_number<std::uint8_t>());
      return true;
    case opcode::kBinUnicode:
    case opcode::kBinString:
      push_text(take_number<std::uint32_t>());
      return true;
    case opcode::kBinUnicode8:
      push_text(take_number<std::uint64_t>());
      return true;
    case opcode::kShortBinBytes:
      push_opaque(take_number<std::uint8_t>());
      return true;
    case opcode::kBinBytes:
      push_opaque(take_number<std::uint32_t>());
      return true;
    case opcode::kBinBytes8:
    case opcode::kByteArray8:
      push_opaque(take_number<std::uint64_t>());
      return true;
    default:
      return false;
  }
}

bool PickleMachine::step_memo(unsigned char opcode) {
  switch (opcode) {
    case opcode::kBinPut:
      memoize(take_number<std::uint8_t>());
      return true;
    case opcode::kLongBinPut:
      memoize(take_number<std::uint32_t>());
      return true;
    case opcode::kMemoize:
      memoize(memo_.size());
      return true;
    case opcode::kBinGet:
      recall(take_number<std::uint8_t>());
      return true;
    case opcode::kLongBinGet:
      recall(take_number<std::uint32_t>());
      return true;
    default:
      return false;
  }
}

void PickleMachine::push(Value value) {
  if (++values_ > kMaxPickleValues)
    fail("makes more than " + std::to_string(kMaxPickleValues) + " values", ErrorCode::kLimit);
  stack_.push_back(value);
}

void PickleMachine::push_text(std::uint64_t size) {
  const auto begin = static_cast<std::int64_t>(at_);
  take(size);
  push({Kind::kText, static_cast<std::uint32_t>(size), begin});
}

void PickleMachine::push_opaque(std::uint64_t size) {
  take(size);
  push({Kind::kOpaque});
}

const PickleMachine::Value& PickleMachine::top(std::size_t depth) const {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() - floor <= depth) fail("takes a value from an empty stack");
  return stack_[stack_.size() - 1 - depth];
}

PickleMachine::Value PickleMachine::pop() {
  const Value value = top();
  stack_.pop_back();
  return value;
}

std::size_t PickleMachine::pop_mark() {
  if (marks_.empty()) fail("takes items up to a missing mark");
  const std::size_t begin = marks_.back();
  marks_.pop_back();
  return begin;
}

void PickleMachine::memoize(std::uint64_t index) {
  // Picklers number from 0 (Python 2 from 1) without gaps, so the memo grows by one at a time.
  if (index > memo_.size() + 1)
    fail("skips from place " + std::to_string(memo_.size()) + " of the memo to " + std::to_string(index));
  if (++values_ > kMaxPickleValues)
    fail("makes more than " + std::to_string(kMaxPickleValues) + " values", ErrorCode::kLimit);
  const Value value = top();
  if (index >= memo_.size()) memo_.resize(index + 1);
  memo_[index] = value;
}

void PickleMachine::recall(std::uint64_t index) {
  if (index >= memo_.size())
    fail("takes place " + std::to_string(index) + " of a memo of " + std::to_string(memo_.size()));
  push(memo_[index]);
}

bool PickleMachine::step_object(unsigned char opcode) {
  switch (opcode) {
    case opcode::kGlobal: {
      const std::string_view module = take_line();
      push_global(module, take_line());
      return true;
    }
    case opcode::kStackGlobal: {
      const Value name = pop(), module = pop();
      if (name.kind != Kind::kText || module.kind != Kind::kText)
        fail("names a global by a value that is not a string");
      push_global(text(module), text(name));
      return true;
    }
    case opcode::kBinPersId:
      push(persistent(pop()));
      return true;
    case opcode::kReduce: {
      const Value arguments = pop(), function = pop();
      push(reduce(function, arguments));
      return true;
    }
    case opcode::kNewObjEx:
      pop();
      [[fallthrough]];
    case opcode::kNewObj: {
      const Value arguments = pop(), type = pop();
      if (type.kind != Kind::kOpaque || arguments.kind != Kind::kTuple)
        fail("makes an object of a value that is not a class");
      push(type);
      return true;
    }
    case opcode::kBuild:
      build();
      return true;
    default:
      return false;
  }
}

}  // namespace pare::checkpoint
