"""Flower: every algorithm as one ClientApp and one ServerApp, in its simulation runtime or in a real deployment."""
