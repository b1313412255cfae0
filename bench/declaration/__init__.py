"""What is to be run: suites read and checked, cells made of them, and the identity of each cell."""
