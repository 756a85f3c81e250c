"""The extension in a real WebUI: `pytest tests/webui --webui-dir DIR`."""
