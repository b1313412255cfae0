"""The model zoo: nets whose forward pass returns (logits, features), and the zoos that deal them to clients."""
