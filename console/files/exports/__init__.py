"""Ready mappings of the exports that services write, one YAML file each; the first comment line says of what."""
