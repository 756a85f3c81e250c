"""The paper's video network: features are splatted along the flow, and a decoder of partial convolutions paints them.

Text2Cinemagraph (arXiv 2307.03190, section 3.4), after Holynski et al., "Animating Pictures with Eulerian Motion
Fields" (2021). Imports torch, so it is imported only when it runs.
"""
