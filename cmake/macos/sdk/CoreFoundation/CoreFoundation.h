// Only what metal-cpp needs to compile.
#pragma once
#include <objc/objc.h>
#include <objc/runtime.h>
#include <stdbool.h>
#include <stdint.h>

typedef double CFTimeInterval;
typedef double CFAbsoluteTime;
typedef unsigned long CFHashCode;
typedef const void* CFTypeRef;
typedef const struct __CFString* CFStringRef;
