"""What is worth knowing of a spec besides: bounds, dead configuration, keys, egress, assumptions."""
