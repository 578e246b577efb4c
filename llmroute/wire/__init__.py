"""How it is written: the neutral conversation, and a pure codec to and from it for each wire format."""
