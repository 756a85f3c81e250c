"""Pictures in, videos out and in, and the texts that travel in them."""
