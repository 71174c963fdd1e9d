"""Who belongs to which segment, in which stage of life, and whom people should look at."""
