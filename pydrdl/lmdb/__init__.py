"""Image LMDBs with a pair index: built, read again and verified."""
