"""What stands in for senders, receivers, models and patients in tests."""
