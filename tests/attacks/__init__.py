"""What an adversary and a clumsy hand would send."""
