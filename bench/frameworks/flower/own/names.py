"""How the records of messages are called: as Flower's strategies call them by default."""

ARRAYS, CONFIG, METRICS, EXAMPLES = "arrays", "config", "metrics", "num-examples"
ROUND, MU = "server-round", "proximal-mu"  # in the config; rounds count from 1
LOSSES = "losses"  # for the referee alone: a strategy does not look at it
