"""From a symptom to its ranked causes, with the rows that prove each and those that rule it out."""
