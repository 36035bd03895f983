"""Online assessment and exam delivery with item response theory and verifiable results."""
