// Only what metal-cpp needs to compile.
#pragma once
typedef struct __IOSurface* IOSurfaceRef;
