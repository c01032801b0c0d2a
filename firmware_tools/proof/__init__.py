"""The whole proof: its parts, how they are run, and the page that is written of them."""
