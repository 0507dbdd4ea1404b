"""CustomResourceDefinitions of users: what makes one valid (`rules`), and what its status says (`conditions`)."""
