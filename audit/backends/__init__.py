"""Matchers under audit. A backend sees images and nothing else; it imports ``audit.base.errors`` only."""
