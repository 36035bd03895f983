"""Certificates and their proof: signed result records, the transparency log, keys, and the pull by API clients."""
