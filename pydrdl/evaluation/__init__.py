"""From feature files to results: files meet the protocols."""
