-- Which part of a date is known by itself, while the rest of it follows from the owner's time zone,
-- and changes with that: the wall clock (true) or the instant (false). NULL: nothing of it is of
-- the zone, or a person set it.
ALTER TABLE media ADD COLUMN taken_by_wall boolean;
