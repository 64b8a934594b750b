"""The clients of language models, one for each kind of server, and the bounded HTTP exchange that they share."""
