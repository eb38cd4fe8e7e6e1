"""Lightning wiring around the nets, and checkpoints that rebuild it."""
