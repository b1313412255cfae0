"""What happens in one cell: its setting, its rounds of local training and aggregation, and the scoring."""
