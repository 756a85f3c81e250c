"""What attention maps say of where things are: GoCA (arXiv 2603.06178), from its maps of tokens to labels."""
