"""Tools that build, run, flash and measure the firmware of the boards."""
