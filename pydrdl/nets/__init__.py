"""The nets of prototxt/, written here and nowhere else."""
