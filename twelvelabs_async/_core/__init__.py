"""What every other part uses: time, tasks, threads, descriptors, validation, redaction."""
