"""The worker process: it alone opens boxes, decides and sends. ``app`` wakes it by name and never imports it."""
