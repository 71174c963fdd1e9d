"""The console: pages for people, of HTML that the server writes, alive by whole fragments over one stream a page."""
