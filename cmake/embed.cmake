# Makes of a Metal source one C++ string, with the headers beside it that it includes.
#   cmake -DSOURCE=kernels/cosine_decay.metal -DOUTPUT=source.cpp -P embed.cmake

get_filename_component(folder "${SOURCE}" DIRECTORY)

function(read_source file output)
  file(READ "${file}" text)
  string(REGEX REPLACE "#pragma once[^\n]*\n" "" text "${text}")
  string(REGEX MATCHALL "#include \"[^\"\n]*\"" includes "${text}")
  foreach(include IN LISTS includes)
    string(REGEX REPLACE "#include \"(.*)\"" "\\1" header "${include}")
    read_source("${folder}/${header}" inner)
    string(REPLACE "${include}" "${inner}" text "${text}")
  endforeach()
  set(${output} "${text}" PARENT_SCOPE)
endfunction()

read_source("${SOURCE}" text)
if(text MATCHES "[^\t\n -~]") # MLX hands the string to Metal as ASCII; anything else would make it empty
  message(FATAL_ERROR "${SOURCE} or a header of it is not ASCII.")
endif()
file(WRITE "${OUTPUT}" "#include \"metal/source.h\"

namespace mlx_schedules::metal {

const char kSource[] = R\"metal(
${text})metal\";

} // namespace mlx_schedules::metal
")
