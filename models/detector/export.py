"""Write the shipped folder: weights, configuration, calibration."""
