# libpare.a: the objects of every stage in one archive, with the public headers and a package file.
include(CMakePackageConfigHelpers)

get_property(stages GLOBAL PROPERTY PARE_STAGES)
get_property(public_headers GLOBAL PROPERTY PARE_PUBLIC_HEADERS)

add_library(pare STATIC)
add_library(pare::pare ALIAS pare)
foreach(stage IN LISTS stages)
  target_sources(pare PRIVATE $<TARGET_OBJECTS:pare_${stage}>)
endforeach()
set_target_properties(pare PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(pare PUBLIC cxx_std_20)
target_include_directories(pare PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                       $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# Needed to link, not to compile: no third-party type is in a public header.
target_link_libraries(pare PRIVATE TBB::tbb fmt::fmt simdjson::simdjson dnnl gomp
  $<BUILD_INTERFACE:PkgConfig::hwy> $<INSTALL_INTERFACE:hwy>
  $<BUILD_INTERFACE:PkgConfig::libdeflate> $<INSTALL_INTERFACE:deflate>
  $<BUILD_INTERFACE:PkgConfig::xxhash> $<INSTALL_INTERFACE:xxhash>
  $<BUILD_INTERFACE:PkgConfig::zstd> $<INSTALL_INTERFACE:zstd>)
if(PARE_SANITIZE)
  target_link_options(pare INTERFACE -fsanitize=${PARE_SANITIZE})
endif()

set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/pare)
install(TARGETS pare EXPORT pareTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${public_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pare)
install(EXPORT pareTargets NAMESPACE pare:: DESTINATION ${package_directory})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/pareConfig.cmake.in ${PROJECT_BINARY_DIR}/pareConfig.cmake
  INSTALL_DESTINATION ${package_directory})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pareConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/pareConfig.cmake ${PROJECT_BINARY_DIR}/pareConfigVersion.cmake
  DESTINATION ${package_directory})
