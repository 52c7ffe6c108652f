"""One server that editors and chat clients already speak to, and the language server; what is meant is in `assist`."""
