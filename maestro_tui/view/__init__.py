"""State → rows: everything that the screens say, pure; a module for each of them. Faces are in ``faces``."""
