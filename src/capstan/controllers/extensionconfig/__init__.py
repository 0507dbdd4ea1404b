"""ExtensionConfig: it is stored and checked, and says that nothing calls it yet."""
