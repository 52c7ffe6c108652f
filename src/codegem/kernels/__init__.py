"""C++ kernels for CPUs, called through XLA's foreign function interface."""
