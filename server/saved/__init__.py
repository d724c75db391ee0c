"""What outlives the program: files in the configuration folder, each whole at every moment."""
