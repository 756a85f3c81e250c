"""The loop stage: from a still and a flow to the frames of a seamless loop."""
