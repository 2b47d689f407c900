"""The papers' CLAPs behind `clap:paper`: their published weights, read and run by our own code."""
