"""Text2Cinemagraph: turn a prompt or a painting into a seamless loop."""
