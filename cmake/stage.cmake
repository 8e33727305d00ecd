# Compiling several sources of a stage or a test program as one takes 0.4 of the time: what they include is read once,
# and templates are instantiated once. Names in anonymous namespaces must differ within a stage; SEPARATE sources are
# compiled by themselves. `-DPARE_UNITY=OFF` compiles each by itself. Tests use smaller batches, because they are rebuilt
# more often.
option(PARE_UNITY "Compile several sources of a stage at once" ON)

function(pare_use_unity target batch)
  if(PARE_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${batch})
    set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

# pare_stage(NAME [PUBLIC_HEADERS h...] [SOURCES s...] [SEPARATE s...] [DEPENDS stage...] [LIBRARIES target...] [LIGHT])
#
# SEPARATE: compiled by themselves, see above. LIGHT: less optimized, see precompile.cmake.
# One library per folder of src/. A stage sees its own folder, its own public headers and those of
# the stages it depends on, and nothing else: each has an include directory of links to only these,
# so an include that points back against the data flow does not compile.
function(pare_stage name)
  cmake_parse_arguments(STAGE "LIGHT" "" "PUBLIC_HEADERS;SOURCES;SEPARATE;DEPENDS;LIBRARIES" ${ARGN})
  set(view ${PROJECT_BINARY_DIR}/stages/${name})
  file(REMOVE_RECURSE ${view})
  file(MAKE_DIRECTORY ${view}/pare)
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${name} SYMBOLIC)
  foreach(header IN LISTS STAGE_PUBLIC_HEADERS)
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include/pare/${header} ${view}/pare/${header} SYMBOLIC)
    set_property(GLOBAL APPEND PROPERTY PARE_PUBLIC_HEADERS ${PROJECT_SOURCE_DIR}/include/pare/${header})
  endforeach()
  add_library(pare_${name} STATIC ${STAGE_SOURCES} ${STAGE_SEPARATE})
  pare_use_unity(pare_${name} 64 ${STAGE_SEPARATE})
  target_include_directories(pare_${name} PUBLIC ${view})
  target_link_libraries(pare_${name} PUBLIC pare_flags ${STAGE_LIBRARIES})
  foreach(stage IN LISTS STAGE_DEPENDS)
    target_link_libraries(pare_${name} PUBLIC pare_${stage})
  endforeach()
  set_target_properties(pare_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  if(STAGE_LIGHT)
    target_link_libraries(pare_${name} PRIVATE pare_light_flags)
    pare_use_precompiled(pare_${name} pare_light_headers)
  else()
    pare_use_precompiled(pare_${name} pare_stage_headers)
  endif()
  set_property(GLOBAL APPEND PROPERTY PARE_STAGES ${name})
endfunction()

# pare_test(NAME [SOURCES s...] [SEPARATE s...] STAGES stage... [LIBRARIES target...] [LABELS l...]): one GoogleTest program.
function(pare_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;SEPARATE;STAGES;LIBRARIES;LABELS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES} ${TEST_SEPARATE})
  pare_use_unity(${name} 10 ${TEST_SEPARATE})
  list(TRANSFORM TEST_STAGES PREPEND pare_)
  target_link_libraries(${name} PRIVATE ${TEST_STAGES} ${TEST_LIBRARIES} pare_test_flags GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE PARE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  pare_use_precompiled(${name} pare_test_headers)
  if("unit" IN_LIST TEST_LABELS)
    add_dependencies(unit_tests ${name})
  endif()
  # No unit test asks the Hub for a model that it does not find.
  gtest_discover_tests(${name} PROPERTIES LABELS "${TEST_LABELS}" ENVIRONMENT HF_HUB_OFFLINE=1 TIMEOUT 180
    DISCOVERY_TIMEOUT 120)
endfunction()
