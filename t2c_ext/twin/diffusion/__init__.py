"""Twins from diffusers' models: checkpoint files, folders and hub repositories of Stable Diffusion 1, 2 and XL."""
