"""How it is done on AWS: one adapter a file. Foreign errors are translated here and nowhere else."""
