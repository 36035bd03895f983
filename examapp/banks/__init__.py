"""Authoring and exchange of items: banks, versioned bilingual content, item types, figures, item parameters."""
