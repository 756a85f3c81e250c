"""The paper's two flow networks, for inference: one follows a direction hint, the other the words."""
