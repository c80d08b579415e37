# Compiles for macOS 14 on arm64 with zig. MLXS_STUBS is the folder that link_stubs.py has filled.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_VERSION 23.0) # macOS 14
set(CMAKE_SYSTEM_PROCESSOR arm64)
set(CMAKE_CXX_COMPILER "${CMAKE_CURRENT_LIST_DIR}/zig-c++")
set(CMAKE_AR "${CMAKE_CURRENT_LIST_DIR}/zig-ar")
set(CMAKE_RANLIB true) # zig's ar writes the index itself
set(CMAKE_INSTALL_NAME_TOOL true) # the rpath is set by the linker

# The compiler's -target replaces these.
set(CMAKE_OSX_SYSROOT "" CACHE STRING "")
set(CMAKE_OSX_ARCHITECTURES "" CACHE STRING "")
set(CMAKE_OSX_DEPLOYMENT_TARGET "" CACHE STRING "")

# zig's libc++ is newer than that of macOS 14, so its headers must not use symbols that only newer libraries export.
set(CMAKE_CXX_FLAGS_INIT "-isystem ${CMAKE_CURRENT_LIST_DIR}/sdk -fno-sized-deallocation \
-U_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS -D_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=1")
# Links the system's libc++, through its stub, instead of zig's own.
set(CMAKE_MODULE_LINKER_FLAGS_INIT "-Wl,-undefined,dynamic_lookup -nostdlib++ \
$ENV{MLXS_STUBS}/libc++.1.tbd $ENV{MLXS_STUBS}/libobjc.A.tbd")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "${CMAKE_MODULE_LINKER_FLAGS_INIT}")

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
