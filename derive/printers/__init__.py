"""Layout boxes to text: one file a language, each a function from a box to a string."""
