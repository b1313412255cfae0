"""Does the gate catch what it should, and nothing else? Seeded regressions, and unchanged code many times."""
