"""Who people are and what they may do: users, centers, API clients, roles and sign-in."""
