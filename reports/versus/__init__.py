"""Two runs of one suite beside each other: two commits, machines, engines or precisions. Second minus first.

The machinery is the report's: a pair is the same algorithm in the same cell and draw, once in either run.
"""
