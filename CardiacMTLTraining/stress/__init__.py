"""How much a cross-validation's results depend on the scanner: the same images, changed in fixed ways."""
