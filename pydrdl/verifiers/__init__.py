"""What the paper compares with: Joint Bayesian and SVM on a classifier's features."""
