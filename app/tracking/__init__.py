"""Segment's HTTP Tracking API, which many SDKs speak: `POST /v1/track` and its kin.

It has nothing to do with the segments of people. A message is read (`messages`, `values`,
`traits`, `context`, `events`), translated into a deed (`translation`), and done (`delivery`).
"""

from app.tracking.endpoint import routes

__all__ = ["routes"]
