"""What clients upload to: a server in C that keeps nothing, and what compiles and runs it."""
