"""Where the nouns of a prompt are, said by one pass of a diffusion model: GoCA (arXiv 2603.06178), up to its maps."""
