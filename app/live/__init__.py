"""What happens, told to those who watch."""
