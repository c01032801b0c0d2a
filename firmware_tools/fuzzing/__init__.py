"""Coverage-guided fuzzing of all that reads what a stranger may have made."""
