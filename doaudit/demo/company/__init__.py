"""Three years in the life of a company, made up from a seed."""
