"""Profilegraph: one profile per person, served over GraphQL."""
