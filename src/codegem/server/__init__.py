"""One server that editors and chat clients already speak to, and the language server. What is said stands in `assist`."""
