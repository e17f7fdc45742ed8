-- Why an ask was sent where it was sent, where there was a choice.

ALTER TABLE asks ADD COLUMN choice {json};
