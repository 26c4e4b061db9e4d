"""How files are touched: small ones read within bounds, others written whole or not at all."""
