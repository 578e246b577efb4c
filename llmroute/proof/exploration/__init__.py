"""Every kind of target that a query can ever get: the worlds that are asked, and what they show."""
