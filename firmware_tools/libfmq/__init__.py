"""The C library of the product (include/fmq, src) and what writes its tables of constants."""
