"""What the algorithms of other frameworks are held against ours on: methods, optimisers, budgets, a schedule."""

FEDAVG = {"algorithm": "fedavg", "params": {}}
FEDPROX = {"algorithm": "fedprox", "params": {"mu": 0.5}}
ADAM = {"name": "adam", "lr": 0.01, "momentum": 0.0, "weight_decay": 0.0}
DECAY = {"name": "sgd", "lr": 0.05, "momentum": 0.0, "weight_decay": 0.01}
STEPS = {"local_epochs": None, "local_steps": 7}
SCHEDULE = {"lr_schedule": {"name": "step", "every": 1, "gamma": 0.5}}
