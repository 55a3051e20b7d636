-- GET ?partNumber= returns the bytes of one part of an object that was uploaded in parts. NULL: the
-- object was not, or before this column was there.
ALTER TABLE objects ADD part_sizes bigint[];
