"""What is kept between two judgements: the signed cache, its head, the audit log, keys and unsigned hints."""
