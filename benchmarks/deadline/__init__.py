"""What happens at the deadline: thousands of sittings that end in the same second, closed and scored by one worker."""
