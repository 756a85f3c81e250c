"""What the text encoder notes about a prompt for the generation parameters."""

last_extra_generation_params: dict[str, str] = {}
