# The Metal kernels: embedded as source, and a metallib where Xcode can make one.

set(METAL_KERNELS kernels/metal/schedule.metal)
list(TRANSFORM METAL_KERNELS PREPEND "${PROJECT_SOURCE_DIR}/")
file(GLOB_RECURSE METAL_HEADERS CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/*.h")

set(METAL_SOURCE "${PROJECT_BINARY_DIR}/metal_source.cpp")
add_custom_command(
  OUTPUT "${METAL_SOURCE}"
  COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${METAL_KERNELS}" "-DOUTPUT=${METAL_SOURCE}"
          -P "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
  DEPENDS ${METAL_KERNELS} ${METAL_HEADERS} "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
  VERBATIM)

target_sources(mlx_schedules PRIVATE "${METAL_SOURCE}")

# Installing must never need Xcode: without its compiler MLX compiles the embedded source at first use.
set(MLXS_METALLIB AUTO CACHE STRING "Compile the Metal kernels ahead of time: AUTO (where `xcrun metal` works), ON, OFF")
set_property(CACHE MLXS_METALLIB PROPERTY STRINGS AUTO ON OFF)

set(metallib OFF)
if(MLXS_METALLIB)
  execute_process(COMMAND xcrun -sdk macosx metal --version RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  if(failed STREQUAL "0")
    set(metallib ON)
  elseif(NOT MLXS_METALLIB STREQUAL "AUTO")
    message(FATAL_ERROR
      "MLXS_METALLIB is ON, but `xcrun -sdk macosx metal` does not run. Install Xcode (from 26 on also: xcodebuild "
      "-downloadComponent MetalToolchain), or leave the option at AUTO to compile the kernels at first use.")
  endif()
endif()

if(metallib)
  message(STATUS "Metal kernels: compiled ahead of time")
  set(METALLIB "${PROJECT_BINARY_DIR}/mlx_schedules.metallib")
  add_custom_command(
    OUTPUT "${METALLIB}"
    COMMAND xcrun -sdk macosx metal -fno-fast-math -ffp-contract=off
            "$<$<BOOL:${CMAKE_OSX_DEPLOYMENT_TARGET}>:-mmacosx-version-min=${CMAKE_OSX_DEPLOYMENT_TARGET}>"
            ${METAL_KERNELS} -o "${METALLIB}"
    DEPENDS ${METAL_KERNELS} ${METAL_HEADERS}
    COMMAND_EXPAND_LISTS VERBATIM)
  add_custom_target(metal_kernels ALL DEPENDS "${METALLIB}")
  install(FILES "${METALLIB}" DESTINATION mlx_schedules)
else()
  message(STATUS "Metal kernels: compiled at first use")
endif()
