"""What `maestro doctor` looks at: one module per group of checks, each a plain function over a patient."""
