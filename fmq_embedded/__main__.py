"""`python -m fmq_embedded`: the program `fmq`."""

from firmware_tools.tasks.program import main

main()
