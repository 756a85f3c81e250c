"""Segmenters: one interface, several models."""
