-- Posters of titles that are only known at Overseerr, and what was the newest request at Overseerr
-- before one of ours.

-- By TMDB's path of the picture; there, it is the object poster/<path>.webp.
CREATE TABLE title_posters (
  path text PRIMARY KEY CHECK (length(path) BETWEEN 2 AND 100),
  state text NOT NULL DEFAULT 'wanted' CHECK (state IN ('wanted', 'there', 'absent', 'leaving')),
  wanted_at timestamptz NOT NULL DEFAULT now(), -- when somebody saw its title, to a day
  failed_at timestamptz,               -- when nobody said whether there is one
  failures integer NOT NULL DEFAULT 0  -- downloads that were no picture
);
CREATE INDEX title_posters_age ON title_posters (wanted_at);

ALTER TABLE requests
  ADD COLUMN poster text,              -- TMDB's path; '': it has none; NULL: not known
  ADD COLUMN newest_before bigint;     -- Overseerr's newest number before it was asked
CREATE INDEX requests_poster ON requests (poster) WHERE poster <> '';
