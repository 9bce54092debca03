"""GitHub's REST API, as far as it is needed. Nothing else calls it.

PyGithub makes the requests; its objects and exceptions do not leave this package. Importing it
takes longer than most commands run, so a command imports the modules that use it when it asks.
"""
