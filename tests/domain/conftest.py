"""How the laws of the domain are tried."""

from hypothesis import settings

settings.register_profile("domain", deadline=None, max_examples=50)
settings.load_profile("domain")
