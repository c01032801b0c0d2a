"""The bitstream: its syntax, written and read from one description. See SPECIFICATION.md."""
