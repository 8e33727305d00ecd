# The manual and the completions, made by the program itself, and the Debian package that carries them (`cpack`).
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # a package needs neither tests nor examples to be built
set(manual ${PROJECT_BINARY_DIR}/manual)
add_custom_command(OUTPUT ${manual}/done
  COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:pare_program> -DOUTPUT=${manual}
          -P ${PROJECT_SOURCE_DIR}/cmake/manual.cmake
  DEPENDS pare_program ${PROJECT_SOURCE_DIR}/cmake/manual.cmake)
add_custom_target(pare_manual ALL DEPENDS ${manual}/done)
set(program_component COMPONENT program)
install(DIRECTORY ${manual}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} ${program_component})
install(FILES ${manual}/pare DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions ${program_component})
install(FILES ${manual}/_pare DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions ${program_component})
install(FILES ${manual}/pare.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d ${program_component})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/pare RENAME copyright
  ${program_component})

# The package has the program and what belongs to it; the library is installed by `cmake --install`.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pare)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "measures, induces and exploits sparsity in transformer checkpoints")
# Debian wants a name and an address. Who distributes a package gives their own (`./dev package` takes DEBFULLNAME and
# DEBEMAIL, as Debian's tools do); a package for one's own machine says what it is.
set(CPACK_PACKAGE_CONTACT "local build <root@localhost>")
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION
  "pare reads checkpoints of transformer models (safetensors, PyTorch, GGUF),
measures how many weights are small, prunes them, packs sparse files, and scores
and runs pruned models on the processor. It downloads models of the Hugging Face
Hub.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL program)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME pare)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# For charts, and for downloads, which load these libraries when they are first needed.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "gnuplot-nox, fonts-dejavu-core, libcurl4 | libcurl4t64, libssl3 | libssl3t64")
set(CPACK_STRIP_FILES ON)
include(CPack)
