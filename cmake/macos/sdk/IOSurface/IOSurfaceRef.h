// As much as metal-cpp needs to compile.
#pragma once
typedef struct __IOSurface* IOSurfaceRef;
