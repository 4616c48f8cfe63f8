"""How far every measurement from out-of-fold masks agrees with the same from the experts' masks."""
