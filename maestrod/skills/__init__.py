"""Skills: folders with instructions for agents, found by scope, read strictly, later scopes win."""
