"""Skills: read strictly, found by scope, watched."""
