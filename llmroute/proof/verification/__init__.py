"""What holds for every query, who can get where, and the limits of a call."""
