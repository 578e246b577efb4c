"""A page on which a person sees where every call goes, and why: a file by itself, or served on loopback."""
