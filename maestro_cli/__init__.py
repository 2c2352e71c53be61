"""The command line: what people, scripts, agents and the agents' hooks call."""
