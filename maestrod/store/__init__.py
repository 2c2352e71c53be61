"""Disk: what was answered is on it, and what is on it is checked before it is believed.

``log`` is the seam to the engine and holds the errors; ``journal`` is the one implementation, made of
``records`` (the line format), ``segments`` (the files), ``mark`` (what is known to be durable) and
``recovery`` (what a start finds). ``snapshot``, ``lock`` and ``migrate`` stand beside it; ``survey`` and
``repair`` are for a store that a start refuses. ``files`` is the only door to the disk. Commits are opaque
here: nothing knows what is inside them.
"""
