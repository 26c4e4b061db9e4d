"""Trajectories of real small trainings, honest and faked, and what the audit says of each."""
