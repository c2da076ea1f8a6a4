"""Act and watch: start events at DigitalOcean, follow them, and see a snapshot through. No widget in sight."""
