"""The VAE in use."""


def get_loaded_vae_name() -> str:
    return "none"
