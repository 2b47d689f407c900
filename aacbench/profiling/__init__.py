"""What a captioner costs: stages, percentiles, memory, operations, energy."""
