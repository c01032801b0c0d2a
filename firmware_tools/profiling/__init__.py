"""What firmware costs: instructions per stage, flash, RAM and stack."""
