"""What is proved of the C sources without running them."""
