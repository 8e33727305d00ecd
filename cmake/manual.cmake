# Lets PROGRAM write its man pages and completions under OUTPUT.
cmake_minimum_required(VERSION 3.25)

function(write file)
  execute_process(COMMAND ${PROGRAM} ${ARGN} OUTPUT_FILE ${OUTPUT}/${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${OUTPUT})
file(MAKE_DIRECTORY ${OUTPUT}/man1)
execute_process(COMMAND ${PROGRAM} man --list OUTPUT_VARIABLE commands OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" commands "${commands}")
write(man1/pare.1 man)
foreach(command IN LISTS commands)
  write(man1/pare-${command}.1 man ${command})
endforeach()
write(pare completion bash)
write(_pare completion zsh)
write(pare.fish completion fish)
file(TOUCH ${OUTPUT}/done)
