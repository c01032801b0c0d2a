"""The C library with a deployment's tables, laid out for other build systems."""
