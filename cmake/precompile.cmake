# Precompiled headers: one for the stages and the program, one for the tests. Every source still includes what it uses;
# `-DPARE_PRECOMPILE=OFF` shows where one does not.
option(PARE_PRECOMPILE "Precompile the headers that most sources include" ON)

set(standard_headers
  <algorithm>
  <array>
  <atomic>
  <bit>
  <chrono>
  <cmath>
  <cstddef>
  <cstdint>
  <cstdlib>
  <cstring>
  <filesystem>
  <fstream>
  <functional>
  <limits>
  <map>
  <memory>
  <mutex>
  <numeric>
  <optional>
  <random>
  <set>
  <span>
  <sstream>
  <stdexcept>
  <string>
  <string_view>
  <thread>
  <tuple>
  <unordered_map>
  <utility>
  <variant>
  <vector>)

# pare_precompiled(NAME HEADERS h... LIBRARIES target...): a library that has nothing but the precompiled headers.
function(pare_precompiled name)
  cmake_parse_arguments(PRECOMPILED "" "" "HEADERS;LIBRARIES" ${ARGN})
  set(source ${PROJECT_BINARY_DIR}/precompiled/${name}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "")
  add_library(${name} OBJECT ${source})
  target_link_libraries(${name} PRIVATE pare_flags ${PRECOMPILED_LIBRARIES})
  set_target_properties(${name} PROPERTIES PARE_LIBRARIES "${PRECOMPILED_LIBRARIES}")
  target_precompile_headers(${name} PRIVATE ${standard_headers} ${PRECOMPILED_HEADERS})
endfunction()

# pare_use_precompiled(TARGET NAME): only where both are compiled with the same flags.
function(pare_use_precompiled target name)
  if(NOT PARE_PRECOMPILE)
    return()
  endif()
  target_precompile_headers(${target} REUSE_FROM ${name})
  # GCC ignores precompiled headers that were compiled with other definitions, such as those of fmt.
  get_target_property(libraries ${name} PARE_LIBRARIES)
  target_link_libraries(${target} PRIVATE ${libraries})
  # Without this, ccache cannot see through the precompiled headers of GCC.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endfunction()

function(pare_precompile_for_stages)
  # Stages that spend little time in loops of their own are compiled with less optimization, which takes about a third
  # off their build time at no visible cost.
  add_library(pare_light_flags INTERFACE)
  target_compile_options(pare_light_flags INTERFACE $<$<CONFIG:Release>:-O1>)
  if(PARE_SANITIZE)
    target_compile_options(pare_light_flags INTERFACE -O0)
  endif()
  if(PARE_PRECOMPILE)
    set(headers HEADERS <fmt/format.h> <nlohmann/json.hpp>)
    set(libraries LIBRARIES fmt::fmt nlohmann_json::nlohmann_json)
    pare_precompiled(pare_stage_headers ${headers} ${libraries})
    pare_precompiled(pare_light_headers ${headers} ${libraries} pare_light_flags)
    set_target_properties(pare_stage_headers pare_light_headers PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endif()
endfunction()

function(pare_precompile_for_tests)
  # Tests are compiled far more often than they are run, so less optimization has no visible cost.
  add_library(pare_test_flags INTERFACE)
  target_compile_options(pare_test_flags INTERFACE $<$<CONFIG:Release>:-O1>)
  if(PARE_SANITIZE MATCHES undefined)
    # What tests call is checked. Checking the tests as well would take a third of their build time.
    target_compile_options(pare_test_flags INTERFACE -fno-sanitize=undefined)
  endif()
  if(PARE_PRECOMPILE)
    pare_precompiled(pare_test_headers HEADERS <gmock/gmock.h> <gtest/gtest.h> <nlohmann/json.hpp>
      LIBRARIES pare_test_flags GTest::gmock GTest::gtest nlohmann_json::nlohmann_json)
  endif()
endfunction()
