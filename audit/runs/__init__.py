"""What a person asks for: run, plan, verify, compare, look at pairs. Those who see the whole corridor."""
