"""How the laws of the domain are tried."""

from hypothesis import settings

settings.register_profile("domain", deadline=None)
settings.load_profile("domain")
