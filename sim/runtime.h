// Read before Verilator's runtime wherever that is compiled: what it has to say goes to the
// instance that is running, in shim.cpp, never to the terminal, and it never ends the process.
#ifndef LACUNA_RUNTIME_H
#define LACUNA_RUNTIME_H

void lacuna_print(const char* format, ...);
void vl_stop_maybe(const char* file, int line, const char* scope, bool maybe);

#define VL_PRINTF lacuna_print
#define VL_USER_FINISH
#define VL_USER_STOP
#define VL_USER_STOP_MAYBE
#define VL_USER_FATAL
#define VL_USER_WARN

#include "verilated.h"
#if VM_TRACE
#include "verilated_fst_c.h"
#endif
#if VM_COVERAGE
#include "verilated_cov.h"
#endif

#endif
