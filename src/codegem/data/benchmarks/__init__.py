"""What benchmarks hold, and how it is found again; `data.decontamination` asks it."""
