"""The measures of a loop's quality."""
