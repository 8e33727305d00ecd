// Tuples, lists, sets and dicts of the restricted pickle machine.
#include <algorithm>

#include "checkpoint/torch/pickle.h"
#include "checkpoint/torch/pickle_machine.h"
#include "checkpoint/torch/pickle_opcodes.h"

namespace pare::checkpoint {

bool PickleMachine::step_container(unsigned char opcode) { return step_sequence(opcode) || step_dict(opcode); }

bool PickleMachine::step_sequence(unsigned char opcode) {
  switch (opcode) {
    case opcode::kEmptyTuple:
      push_tuple(0);
      return true;
    case opcode::kTuple1:
      push_tuple(1);
      return true;
    case opcode::kTuple2:
      push_tuple(2);
      return true;
    case opcode::kTuple3:
      push_tuple(3);
      return true;
    case opcode::kTuple:
      push_tuple(stack_.size() - pop_mark());
      return true;
    case opcode::kEmptyList:
      push(make_list());
      return true;
    case opcode::kEmptySet:
      push({Kind::kOpaque});
      return true;
    case opcode::kList: {
      const std::size_t begin = pop_mark();
      const Value list = make_list();
      lists_[list.index].assign(stack_.begin() + static_cast<std::ptrdiff_t>(begin), stack_.end());
      stack_.resize(begin);
      push(list);
      return true;
    }
    case opcode::kFrozenSet:
      stack_.resize(pop_mark());
      push({Kind::kOpaque});
      return true;
    case opcode::kAppend:
      top();
      add_items(stack_.size() - 1, "list");
      return true;
    case opcode::kAppends:
      add_items(pop_mark(), "list");
      return true;
    case opcode::kAddItems:
      add_items(pop_mark(), "set");
      return true;
    default:
      return false;
  }
}

bool PickleMachine::step_dict(unsigned char opcode) {
  switch (opcode) {
    case opcode::kEmptyDict:
      push(make_dict());
      return true;
    case opcode::kDict: {
      const std::size_t begin = pop_mark();
      push(make_dict());
      std::rotate(stack_.begin() + static_cast<std::ptrdiff_t>(begin), stack_.end() - 1, stack_.end());
      set_items(begin + 1);
      return true;
    }
    case opcode::kSetItem:
      top(1);
      set_items(stack_.size() - 2);
      return true;
    case opcode::kSetItems:
      set_items(pop_mark());
      return true;
    default:
      return false;
  }
}

void PickleMachine::push_tuple(std::size_t count) {
  if (count > 0) top(count - 1);
  const Value tuple{Kind::kTuple, static_cast<std::uint32_t>(count), static_cast<std::int64_t>(items_.size())};
  items_.insert(items_.end(), stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  push(tuple);
}

void PickleMachine::set_items(std::size_t begin) {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  const Kind kind = begin <= floor ? Kind::kNone : stack_[begin - 1].kind;
  if (kind != Kind::kDict && kind != Kind::kOpaque) fail("sets items of a value that is not a dict");
  if ((stack_.size() - begin) % 2 != 0) fail("sets a key without a value");
  if (kind == Kind::kOpaque) return stack_.resize(begin);
  PickleDict& dict = dicts_[stack_[begin - 1].index];
  for (std::size_t i = begin; i < stack_.size(); i += 2) {
    dict.entries.emplace_back(stack_[i], stack_[i + 1]);
    dict.holds_tensors = dict.holds_tensors || stack_[i + 1].kind == Kind::kTensor;
  }
  stack_.resize(begin);
}

void PickleMachine::add_items(std::size_t begin, const char* into) {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  const Kind kind = begin <= floor ? Kind::kNone : stack_[begin - 1].kind;
  if (kind != Kind::kOpaque && kind != Kind::kList) fail(std::string("adds items to a value that is not a ") + into);
  if (kind == Kind::kList) {
    std::vector<Value>& list = lists_[stack_[begin - 1].index];
    list.insert(list.end(), stack_.begin() + static_cast<std::ptrdiff_t>(begin), stack_.end());
  }
  stack_.resize(begin);
}

PickleMachine::Value PickleMachine::make_dict() {
  dicts_.emplace_back();
  return {Kind::kDict, static_cast<std::uint32_t>(dicts_.size() - 1), 0};
}

PickleMachine::Value PickleMachine::make_list() {
  lists_.emplace_back();
  return {Kind::kList, static_cast<std::uint32_t>(lists_.size() - 1), 0};
}

}  // namespace pare::checkpoint
