-- How a person has turned an item, in degrees clockwise, and how its pictures are turned already: a
-- job makes the latter follow.
ALTER TABLE media
  ADD COLUMN rotation smallint NOT NULL DEFAULT 0
    CHECK (rotation BETWEEN 0 AND 270 AND rotation % 90 = 0),
  ADD COLUMN made_rotation smallint NOT NULL DEFAULT 0
    CHECK (made_rotation BETWEEN 0 AND 270 AND made_rotation % 90 = 0);
