"""From a CineStudy to the network's input, and the way back."""
