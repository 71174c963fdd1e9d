"""What is learned anew every night: a gradient boosting machine of survival, and the sample that it learns from."""
