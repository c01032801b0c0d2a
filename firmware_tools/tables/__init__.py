"""Tables that go to a board over the link, without flashing its firmware anew."""
