#include "base/json_append.h"

#include <gtest/gtest.h>

namespace pare::base {
namespace {

TEST(AppendMember, KeepsOrderAndValues) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const char* key : {"b", "a", "c"}) append_member(object, key, {{"size", key}});
  EXPECT_EQ(object.dump(), R"({"b":{"size":"b"},"a":{"size":"a"},"c":{"size":"c"}})");
  EXPECT_EQ(object["a"]["size"], "a");
}

TEST(AppendMember, NeedsAnObject) {
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  EXPECT_THROW(append_member(array, "a", 1), nlohmann::json::exception);
}

}  // namespace
}  // namespace pare::base
