"""As much of AUTOMATIC1111's `modules` as the extension's glue touches; names and behaviour are the host's."""
