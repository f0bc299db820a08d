"""Drawings as inline SVG: the canvas, kinds of figures, and what is drawn at one threshold and over many."""
