"""How it is done on AWS: one service a file. Foreign errors are translated here and nowhere else."""
