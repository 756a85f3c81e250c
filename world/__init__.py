"""A small world of landscapes that is drawn by code: pictures in many looks, with words, true masks, flow and depth.

It is what the package's small networks learn from, and what they are measured on; no part of it runs at run time.
"""
