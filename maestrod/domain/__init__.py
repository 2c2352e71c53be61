"""PURE: entities, commands, rules. No I/O, clock, randomness or asyncio; standard library and msgspec only."""
