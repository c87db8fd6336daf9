"""The platform's endpoints, by the names that the official SDK gives them."""
