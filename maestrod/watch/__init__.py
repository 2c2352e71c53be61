"""Knowing what agents are doing: evidence in, verdicts out; and the deeds that follow from them."""
