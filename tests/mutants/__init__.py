"""Faults that the tests of ``store`` and ``engine`` must notice, each listed with its reason."""
