"""Small drawings that the server makes: SVG without a script or a style of its own."""
