# Sanitizers for the whole build.
#
# They make kernels slow to compile, so that a build with sanitizers has only those that this machine can run. Of these
# the emulated one (EMU128) is missing, too, where SSE4 is there: its loops become functions of 200 KB, on which a
# compiler spends minutes. Builds without sanitizers have and test all of them.
target_compile_options(pare_flags INTERFACE -fsanitize=${PARE_SANITIZE} -fno-omit-frame-pointer
  $<$<CXX_COMPILER_ID:Clang,GNU>:-fno-sanitize-recover=all>)
target_link_options(pare_flags INTERFACE -fsanitize=${PARE_SANITIZE})

set(PARE_TARGETS_LEFT_OUT "")
if(EXISTS /proc/cpuinfo)
  file(STRINGS /proc/cpuinfo processor REGEX "^flags" LIMIT_COUNT 1)
  if(processor MATCHES " sse4_2" AND processor MATCHES " aes" AND processor MATCHES " pclmulqdq")
    target_compile_options(pare_flags INTERFACE -msse4.2 -maes -mpclmul)
  endif()
  if(NOT processor MATCHES " avx512")
    set(PARE_TARGETS_LEFT_OUT HWY_AVX3 HWY_AVX3_DL)
  endif()
endif()
