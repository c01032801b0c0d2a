"""The conformance kit: cases that any implementation of the formats can be held against."""
