"""As much of Forge's `backend` as the extension's glue touches; names and behaviour are the host's."""
