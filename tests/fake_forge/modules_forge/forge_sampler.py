"""reForge has it here."""

from backend.sampling.sampling_function import sampling_cleanup  # noqa: F401
