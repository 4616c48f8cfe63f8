"""A study analysed in a process of its own: the folders that go in and come out, the events on the way, and the client."""
