"""How the example checkpoints were trained: small real models under the tensor names of large ones."""
