"""What is kept: one file a cell, and the tidy tables made of them."""
