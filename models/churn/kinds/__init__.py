"""The kinds of churn models, one file each; all that is to be said about a model stands in its file."""
