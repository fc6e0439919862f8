"""The charter: the one place where a CRM's vocabulary and customer success's vocabulary meet."""
