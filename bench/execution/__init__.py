"""How cells get done: checked beforehand, dealt to worker processes, shown while they run."""
