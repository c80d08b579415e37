# The Metal kernels: embedded as source, and compiled to a metallib if Xcode can do that.

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

# Installing must not need Xcode. Without its compiler, or if compiling fails, there is no metallib, and MLX compiles
# the embedded source at first use.
set(MLXS_METALLIB AUTO CACHE STRING "Compile the Metal kernels ahead of time: AUTO (where Xcode compiles them), ON, OFF")
set_property(CACHE MLXS_METALLIB PROPERTY STRINGS AUTO ON OFF)

# At least macOS 14 with Metal 3.1, whatever the environment asks for: older versions have no bfloat.
set(system "${CMAKE_OSX_DEPLOYMENT_TARGET}")
if(NOT system OR system VERSION_LESS 14.0)
  set(system 14.0)
endif()
set(METALLIB "${PROJECT_BINARY_DIR}/mlx_schedules.metallib")
set(COMPILE_METALLIB xcrun -sdk macosx metal -std=metal3.1 -fno-fast-math -ffp-contract=off
                     -mmacosx-version-min=${system} ${METAL_KERNELS} -o "${METALLIB}")

set(metallib OFF)
if(MLXS_METALLIB)
  execute_process(COMMAND xcrun -sdk macosx metal --version RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  set(why "`xcrun -sdk macosx metal` does not run.")
  if(failed STREQUAL "0")
    execute_process(COMMAND ${COMPILE_METALLIB} RESULT_VARIABLE failed ERROR_VARIABLE errors)
    set(why "the Metal kernels do not compile:\n${errors}")
  endif()
  if(failed STREQUAL "0")
    set(metallib ON)
  elseif(NOT MLXS_METALLIB STREQUAL "AUTO")
    message(FATAL_ERROR
      "MLXS_METALLIB is ON, but ${why} Install Xcode (from 26 on also: xcodebuild -downloadComponent MetalToolchain), or "
      "leave the option at AUTO to compile the kernels at first use.")
  elseif(errors)
    message(WARNING "No metallib: ${why}")
  endif()
endif()

if(metallib)
  message(STATUS "Metal kernels: compiled ahead of time")
  add_custom_command(OUTPUT "${METALLIB}" COMMAND ${COMPILE_METALLIB} DEPENDS ${METAL_KERNELS} ${METAL_HEADERS} VERBATIM)
  add_custom_target(metal_kernels ALL DEPENDS "${METALLIB}")
  install(FILES "${METALLIB}" DESTINATION mlx_schedules)
else()
  message(STATUS "Metal kernels: compiled at first use")
endif()
