"""How things move that do not flow: each law in a module of its own, all behind the interface of `base`."""
