"""Gradio blocks that the WebUI's tab and the standalone app share; they know no host."""
