"""A scalar autoencoder: networks with different nonlinearities learn the identity."""
