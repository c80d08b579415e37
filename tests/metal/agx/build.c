// Builds the SPIR-V on stdin for OpenCL's first device. The driver prints the machine code.
#define CL_TARGET_OPENCL_VERSION 300
#include <CL/cl.h>
#include <stdio.h>

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0); // keeps the order with stderr
  static char code[1 << 24], log[1 << 16];
  size_t size = fread(code, 1, sizeof code, stdin);
  cl_platform_id platform;
  cl_device_id device;
  cl_int e = clGetPlatformIDs(1, &platform, 0);
  e = e ? e : clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, 0);
  cl_context context = e ? 0 : clCreateContext(0, 1, &device, 0, 0, &e);
  cl_program program = e ? 0 : clCreateProgramWithIL(context, code, size, &e);
  e = e ? e : clBuildProgram(program, 1, &device, "", 0, 0);
  if (program) clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, sizeof log, log, 0);
  if (e) fprintf(stderr, "OpenCL error %d\n%s\n", e, log);
  return e != 0;
}
