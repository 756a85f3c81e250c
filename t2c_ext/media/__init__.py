"""Pictures in, videos out."""
