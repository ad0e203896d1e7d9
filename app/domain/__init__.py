"""The vocabulary of people and the rules over it. Pure: no I/O, no clock, no framework."""
