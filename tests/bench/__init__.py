"""A race between this server and its peers, run by hand: see README.md beside this file."""
