"""From masks to clinical measurements: phases, volumes, function and wall."""
