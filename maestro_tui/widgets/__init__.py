"""Widgets: they show rows and send messages, and know nothing of the daemon."""
