// What every *_ffi.cpp shares. XLA's header must stay out of the sources that are compiled for several sets of
// instructions: the linker keeps one copy of its templates, and that copy must run everywhere.
#pragma once

#include "xla/ffi/api/ffi.h"

// Lets XLA_FFI_DEFINE_HANDLER_SYMBOL(name, …) be seen outside of the library, which hides its symbols.
#define CODEGEM_EXPORT(name) \
    extern "C" __attribute__((visibility("default"))) XLA_FFI_Error* name(XLA_FFI_CallFrame* call_frame)
