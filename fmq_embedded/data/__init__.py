"""Data sets as a network's head takes them: pictures, sounds and arrays, read one at a time."""
