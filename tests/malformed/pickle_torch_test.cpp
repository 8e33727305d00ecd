// Hostile pickles: each must be refused by an Error that gives the cause, and nothing may run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "checkpoint/torch/pickle.h"
#include "checkpoint/torch/pickle_machine.h"
#include "unit/checkpoint/torch_builder.h"

namespace pare {
namespace {

using test::archive_items;
using test::failure;
using test::make_zip;
using testing::HasSubstr;
using namespace test::pickle;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

/// Reads an archive of this pickle and one storage of 16 bytes; returns the message of the Error.
std::string message(const std::string& pickle) {
  return failure(make_zip(archive_items(pickle, {{"0", std::string(16, '\1')}})));
}
std::string state_dict(const std::string& value) { return whole(dict({{"x", value}})); }
std::string floats() { return storage("FloatStorage", "0", 4); }
/// The message for a state dict with a single tensor, which is this view of four floats.
std::string view(std::int64_t offset, std::initializer_list<std::int64_t> shape,
                 std::initializer_list<std::int64_t> strides) {
  return message(state_dict(test::pickle::tensor(floats(), offset, shape, strides)));
}

TEST(MalformedPickle, TheGoodOneIsRead) { EXPECT_EQ(view(0, {2, 2}, {2, 1}), ""); }

// The names that a pickle may use.
TEST(MalformedPickle, RunsNothing) {
  const auto marker = std::filesystem::temp_directory_path() / "pare-malformed-pickle-ran";
  std::filesystem::remove(marker);
  const std::string command = call(global("os", "system"), tuple({text("touch " + marker.string())}));
  EXPECT_THAT(message(state_dict(command)), HasSubstr("refers to 'os.system', which builds no tensor and is not run"));
  EXPECT_FALSE(std::filesystem::exists(marker));
}
TEST(MalformedPickle, GlobalsThatRunCode) {
  for (const auto& [module, name] : {std::pair{"builtins", "eval"},
                                     {"__builtin__", "exec"},
                                     {"posix", "system"},
                                     {"os.path", "join"},
                                     {"subprocess", "Popen"},
                                     {"builtins", "__import__"}}) {
    const std::string expected = "refers to '" + std::string(module) + "." + name + "'";
    EXPECT_THAT(message(state_dict(global(module, name))), HasSubstr(expected));
    EXPECT_THAT(message(state_dict(text(module) + text(name) + "\x93")), HasSubstr(expected));  // STACK_GLOBAL
  }
}
TEST(MalformedPickle, OtherGlobalsAreSteppedOver) {
  const std::string tensor = test::pickle::tensor(floats(), 0, {2, 2}, {2, 1});
  for (const auto& [module, name] : {std::pair{"builtins", "getattr"},
                                     {"torch", "load"},
                                     {"torch.storage", "_load_from_bytes"},
                                     {"torch", ""},
                                     {"torch._utils", "_rebuild_qtensor"},
                                     {"collections", "OrderedDict.fromkeys"}}) {
    const std::string type = global(module, name);
    for (const std::string& object :
         {type, call(type, tuple({text("x")})), type + ")\x81", type + ")}\x92", type + ")\x81}b",
          type + ")\x81(" + text("k") + "Nu", type + ")R" + text("i") + "a"})
      EXPECT_EQ(message(whole(test::pickle::dict({{"object", object}, {"w", tensor}}))), "") << object;
    EXPECT_THAT(message(state_dict(type)), HasSubstr("contains no tensors outside objects of '" + std::string(module)));
  }
}
TEST(MalformedPickle, TooManyClasses) {
  std::string many = "}(";
  for (std::size_t i = 0; i <= checkpoint::PickleMachine::kMostStrangers; ++i)
    many += text(std::to_string(i)) + global("m", "c" + std::to_string(i));
  EXPECT_THAT(message(whole(many + "u")), HasSubstr("more than 1000 classes"));
}
TEST(MalformedPickle, NamesThatWouldDriveTheTerminal) {
  const std::string found = message(state_dict(text("\x1b[2J") + text(std::string(5000, 'n')) + "\x93"));
  EXPECT_EQ(found.find('\x1b'), std::string::npos);
  EXPECT_LT(found.size(), 500U);
}
TEST(MalformedPickle, ObjectsOfClasses) {
  const std::string size = global("torch", "Size");
  EXPECT_THAT(message(state_dict(size + ")\x81")), HasSubstr("a value that is not a class"));  // NEWOBJ
  EXPECT_THAT(message(state_dict("NN\x81")), HasSubstr("a value that is not a class"));
  EXPECT_THAT(message(state_dict("(itorch\nSize\n")), HasSubstr("opcode 0x69"));  // INST
  EXPECT_THAT(message(state_dict("(" + size + "o")), HasSubstr("opcode 0x6f"));   // OBJ
  EXPECT_THAT(message(state_dict("\x82\x01")), HasSubstr("opcode 0x82"));         // EXT1
  EXPECT_THAT(message(state_dict("Pid\n")), HasSubstr("opcode 0x50"));            // PERSID
  EXPECT_THAT(message(state_dict("I1\n")), HasSubstr("opcode 0x49"));             // INT, protocol 0
}
TEST(MalformedPickle, CallsOfWhatIsNoFunction) {
  EXPECT_THAT(message(state_dict(text("f") + ")R")), HasSubstr("calls a value that is not a function"));
  EXPECT_THAT(message(state_dict(global("torch", "Size") + text("x") + "R")), HasSubstr("calls a value"));
  EXPECT_THAT(message(state_dict(global("torch", "FloatStorage") + ")R")), HasSubstr("calls a type"));
  EXPECT_THAT(message(state_dict(global("torch", "float32") + ")R")), HasSubstr("calls a type"));
  EXPECT_THAT(message(state_dict(global("torch", "Tensor") + ")R")), HasSubstr("calls a type"));
}

// The machine itself.
TEST(MalformedPickle, StackUnderflow) {
  for (const char* program :
       {"0",   "1",    "t",    "\x85", "\x86", "\x87", "R",  "b",  "s",  "u",     "a",  "e",  "d",   "l",  "Q",
        "q\1", "\x94", "\x93", "\x90", "\x91", ".",    "NR", "Ns", "(R", "(\x85", "(b", "(s", "((u", "N(s"})
    EXPECT_NE(message(whole(program)), "") << program;
  EXPECT_THAT(message(whole("\x85")), HasSubstr("takes a value from an empty stack (byte 2 of the pickle)"));
  EXPECT_THAT(message(whole("N(\x85")),
              HasSubstr("takes a value from an empty stack"));  // values below the mark do not count
  EXPECT_THAT(message(whole("t")), HasSubstr("a missing mark"));
}
TEST(MalformedPickle, MemoOutOfRange) {
  EXPECT_THAT(message(whole("h\7")), HasSubstr("takes place 7 of a memo of 0"));
  EXPECT_THAT(message(whole("j" + test::u32(0xffffffff))), HasSubstr("takes place 4294967295 of a memo of 0"));
  EXPECT_THAT(message(whole("Nr" + test::u32(0xffffffff))), HasSubstr("skips from place 0 of the memo"));
}
TEST(MalformedPickle, HugeLengths) {
  for (const std::string& start :
       {"X" + test::u32(0xffffffff), "\x8d" + test::u64(~0ULL), "\x8e" + test::u64(1ULL << 62),
        "\x96" + test::u64(~0ULL), "B" + test::u32(0x7fffffff), "\x8b" + test::u32(0xffffffff), std::string("\x8c\xff"),
        std::string("C\xff"), std::string("\x8a\xff"), "T" + test::u32(9999)})
    EXPECT_THAT(message(whole(start)), HasSubstr("bytes where")) << start;
}
TEST(MalformedPickle, TruncatedAnywhere) {
  const std::string good = state_dict(test::pickle::tensor(floats(), 0, {2, 2}, {2, 1}));
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_NE(message(good.substr(0, size)), "") << size;
}
TEST(MalformedPickle, DeepNesting) {
  constexpr std::size_t kDepth = 300'000;
  std::string tuples = "N";
  for (std::size_t i = 0; i < kDepth; ++i) tuples += '\x85';
  EXPECT_THAT(message(whole(tuples)), HasSubstr("is not a dict of tensors"));
  EXPECT_THAT(message(whole(std::string(kDepth, '('))), HasSubstr("stops with 0 values"));
  EXPECT_THAT(message(whole("}" + std::string(kDepth, '}'))), HasSubstr("stops with"));
}
TEST(MalformedPickle, ADictInsideItself) {
  EXPECT_THAT(message(whole("}q" + std::string(1, '\0') + text("model") + "h" + std::string(1, '\0') + "s")),
              HasSubstr("contains no tensors"));
}
TEST(MalformedPickle, TooManyValues) {
  const std::string program = whole(std::string(checkpoint::kMaxPickleValues + 1, 'N'));
  EXPECT_THAT(message(program), HasSubstr("makes more than 8388608 values"));
}
TEST(MalformedPickle, OtherProtocols) {
  EXPECT_THAT(message("\x80\x06N."), HasSubstr("has pickle protocol 6"));
  EXPECT_THAT(message("\x80\x01N."), HasSubstr("has pickle protocol 1"));
  EXPECT_THAT(message("(dp0\n."), HasSubstr("is not a pickle of protocol 2 to 5"));
  EXPECT_THAT(message(""), HasSubstr("is not a pickle of protocol 2 to 5"));
}
TEST(MalformedPickle, ItemsOfOtherThings) {
  EXPECT_THAT(message(whole("N" + text("k") + "Ns")), HasSubstr("a value that is not a dict"));
  EXPECT_THAT(message(whole("}(" + text("k") + "u")), HasSubstr("a key without a value"));
  EXPECT_THAT(message(whole("NNa")), HasSubstr("a value that is not a list"));
  EXPECT_THAT(message(whole("NNb")), HasSubstr("attributes of a value that is not a dict"));
}

// State dicts.
TEST(MalformedPickle, TensorNames) {
  const std::string one = test::pickle::tensor(floats(), 0, {1}, {1});
  EXPECT_THAT(message(whole(dict({{"x", one}, {"x", one}}))), HasSubstr("tensor 'x': occurs twice"));
  EXPECT_THAT(message(whole(dict({{"\xff\xfe", one}}))), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(message(whole("}" + number(3) + one + "s")), HasSubstr("a key that is not a string"));
}

// Storages.
TEST(MalformedPickle, StorageMissing) {
  EXPECT_THAT(message(state_dict(test::pickle::tensor(storage("FloatStorage", "7", 4), 0, {4}, {1}))),
              HasSubstr("tensor 'x': entry 'archive/data/7', its storage, is missing"));
}
TEST(MalformedPickle, StorageKeyThatIsAPath) {
  EXPECT_THAT(message(state_dict(test::pickle::tensor(storage("FloatStorage", "../data.pkl", 1), 0, {1}, {1}))),
              HasSubstr("its storage, is missing"));
}
TEST(MalformedPickle, StorageTooShort) {
  EXPECT_THAT(message(state_dict(test::pickle::tensor(storage("FloatStorage", "0", 5), 0, {4}, {1}))),
              HasSubstr("should hold 5 elements of float32 but has 16 bytes"));
  EXPECT_THAT(message(state_dict(test::pickle::tensor(storage("FloatStorage", "0", kMax), 0, {4}, {1}))),
              HasSubstr("but has 16 bytes"));
  EXPECT_THAT(message(state_dict(test::pickle::tensor(storage("FloatStorage", "0", -1), 0, {4}, {1}))),
              HasSubstr("has a storage of -1 elements"));
}
TEST(MalformedPickle, PersistentIds) {
  const std::string type = global("torch", "FloatStorage");
  for (const std::string& id : {text("0"), tuple({text("module"), type, text("0"), text("cpu"), number(4)}),
                                tuple({text("storage"), global("torch", "float32"), text("0"), text("cpu"), number(4)}),
                                tuple({text("storage"), type, number(0), text("cpu"), number(4)}),
                                tuple({text("storage"), type, text("0"), text("cpu"), text("4")}),
                                tuple({text("storage"), type, text("0"), text("cpu")})})
    EXPECT_THAT(message(state_dict(id + "Q")), HasSubstr("a persistent id that is not a tensor storage"));
}

// Views.
TEST(MalformedPickle, ViewsThatReachOutside) {
  EXPECT_THAT(view(0, {5}, {1}), HasSubstr("tensor 'x': reaches past its storage: from element 0 to element 5 of 4"));
  EXPECT_THAT(view(4, {1}, {1}), HasSubstr("reaches past its storage"));
  EXPECT_THAT(view(4, {}, {}), HasSubstr("reaches past its storage"));
  EXPECT_THAT(view(0, {2, 2}, {3, 1}), HasSubstr("reaches past its storage"));
  EXPECT_THAT(view(kMax, {2}, {1}), HasSubstr("reaches past its storage"));
  EXPECT_EQ(view(3, {}, {}), "");
  EXPECT_EQ(view(kMax, {0}, {1}), "");  // an empty tensor touches nothing
}
TEST(MalformedPickle, ViewsThatOverflow) {
  EXPECT_THAT(view(0, {4}, {kMax}), HasSubstr("to element 2^64 or more of 4"));
  EXPECT_THAT(view(kMax, {2, 2}, {kMax, kMax}), HasSubstr("to element 2^64 or more of 4"));
  EXPECT_THAT(view(0, {kMax, kMax}, {0, 0}), HasSubstr("a shape whose product overflows"));
  EXPECT_THAT(view(0, {kMax}, {0}), HasSubstr("a shape whose product overflows"));  // in bytes
}
TEST(MalformedPickle, NegativeSizes) {
  EXPECT_THAT(view(-1, {1}, {1}), HasSubstr("begins at element -1"));
  EXPECT_THAT(view(0, {-1}, {1}), HasSubstr("has an extent of -1"));
  EXPECT_THAT(view(3, {2}, {-1}), HasSubstr("has a stride of -1"));
}
TEST(MalformedPickle, ShapesAndStrides) {
  EXPECT_THAT(view(0, {2, 2}, {1}), HasSubstr("has 2 extents but 1 strides"));
  EXPECT_THAT(message(state_dict(call(global("torch._utils", "_rebuild_tensor"),
                                      tuple({floats(), number(0), tuple({text("2")}), numbers({1})})))),
              HasSubstr("has an extent that is not a 64-bit integer"));
  std::string ones = "(", call_start = global("torch._utils", "_rebuild_tensor") + "(" + floats() + number(0);
  for (int i = 0; i < 65; ++i) ones += number(1);
  ones += "t";
  EXPECT_THAT(message(state_dict(call_start + ones + ones + "tR")), HasSubstr("has 65 dimensions"));
}
TEST(MalformedPickle, ExpandedBomb) {
  EXPECT_THAT(view(0, {1LL << 31, 1LL << 20}, {0, 0}),
              HasSubstr("copying it would take the archive's copies to more than"));
  std::string many = "}(";
  for (int i = 0; i < 5; ++i)  // each within the limit, together not
    many += text(std::to_string(i)) + test::pickle::tensor(floats(), 0, {60'000 + i, 1}, {0, 1});
  EXPECT_THAT(message(whole(many + "u")), HasSubstr("tensor '4': is not contiguous"));
}
TEST(MalformedPickle, TensorsOfOtherThings) {
  const std::string rebuild = global("torch._utils", "_rebuild_tensor_v2"), shape = numbers({1});
  EXPECT_THAT(message(state_dict(call(rebuild, ")"))), HasSubstr("rebuilds a tensor from arguments"));
  EXPECT_THAT(message(state_dict(call(rebuild, tuple({text("s"), number(0), shape, shape, "\x89", "N"})))),
              HasSubstr("rebuilds a tensor from arguments"));
  EXPECT_THAT(message(state_dict(call(global("torch._utils", "_rebuild_parameter"), tuple({"N", "\x88", "N"})))),
              HasSubstr("makes a parameter from a value that is not a tensor"));
  EXPECT_THAT(message(state_dict(call(global("torch._utils", "_rebuild_tensor_v3"),
                                      tuple({floats(), number(0), shape, shape, "\x89", "N", text("float32")})))),
              HasSubstr("a value that is not a dtype"));
  const std::string from_type = global("torch._tensor", "_rebuild_from_type_v2");
  EXPECT_THAT(message(state_dict(call(from_type, tuple({from_type, global("torch", "Tensor"), ")", "}"})))),
              HasSubstr("of a class of its own"));
}

}  // namespace
}  // namespace pare
