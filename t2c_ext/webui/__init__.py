"""The only room that knows the WebUI: its script, its sampler, its API, its settings page."""
