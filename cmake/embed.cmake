# Makes of a kernel source one C++ string, with the headers beside it that it includes and without its comments.
#   cmake -DSOURCE=kernels/cosine_decay.metal -DBACKEND=metal -DOUTPUT=source.cpp -P embed.cmake

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
string(REGEX REPLACE "[ ]*//[^\n]*" "" text "${text}") # MLX hashes CUDA's source at every launch
string(REGEX REPLACE "\n[\n ]*\n" "\n" text "${text}")
if(text MATCHES "[^\t\n -~]") # MLX hands the string on as ASCII; anything else would make it empty
  message(FATAL_ERROR "${SOURCE} or a header of it is not ASCII.")
endif()
file(WRITE "${OUTPUT}" "#include \"${BACKEND}/source.h\"

namespace mlx_schedules::${BACKEND} {

const char kSource[] = R\"source(
${text})source\";

} // namespace mlx_schedules::${BACKEND}
")
