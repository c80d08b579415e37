# Turns a Metal source into one C++ string, in which each header appears once, where it is first included.
#   cmake -DSOURCE=kernels/metal/schedule.metal -DOUTPUT=source.cpp -P embed.cmake
cmake_minimum_required(VERSION 3.27)

function(read_source file output)
  get_property(seen GLOBAL PROPERTY seen)
  if(file IN_LIST seen)
    set(${output} "" PARENT_SCOPE)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY seen "${file}")
  file(READ "${file}" text)
  string(REGEX REPLACE "#pragma once[^\n]*\n" "" text "${text}")
  string(REGEX MATCHALL "#include \"[^\"\n]*\"" includes "${text}")
  cmake_path(GET file PARENT_PATH folder)
  foreach(include IN LISTS includes)
    string(REGEX REPLACE "#include \"(.*)\"" "\\1" header "${include}")
    cmake_path(ABSOLUTE_PATH header BASE_DIRECTORY "${folder}" NORMALIZE)
    read_source("${header}" inner)
    string(REPLACE "${include}" "${inner}" text "${text}")
  endforeach()
  set(${output} "${text}" PARENT_SCOPE)
endfunction()

cmake_path(ABSOLUTE_PATH SOURCE NORMALIZE)
read_source("${SOURCE}" text)
if(text MATCHES "[^\t\n -~]") # MLX passes the string to Metal as ASCII; anything else would make it empty
  message(FATAL_ERROR "${SOURCE} or a header of it is not ASCII.")
endif()
file(WRITE "${OUTPUT}" "#include \"metal/source.h\"

namespace mlx_schedules::metal {

const char kSource[] = R\"metal(
${text})metal\";

} // namespace mlx_schedules::metal
")
