"""What goes wrong in production, done on purpose to real servers: nothing may be lost, nothing be there twice."""
