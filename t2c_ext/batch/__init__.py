"""Many cinemagraphs from one list: on this machine's cores and GPUs, or on a cluster of Ray."""
