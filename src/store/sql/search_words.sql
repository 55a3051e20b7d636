-- Words for corrections and suggestions: only words in items that the caller can read.
--
-- $1 caller, $2 sees all.

-- The house's words and the caller's own; callers who see all have every scope.
--: define my_scopes
($2::bool OR v.scope = 'house' OR v.scope = $1::text)

-- Words of people who share items with the caller; each word must be in a shared item.
--: define sharing_scopes
NOT $2::bool AND v.scope IN (SELECT coalesce(m.owner_id::text, 'nobody') FROM @shared_in)

--: define in_shared(word)
EXISTS (SELECT 1 FROM @shared_in AND m.status <> 'trashed' AND @presentable
	AND m.tsv @@ (mn_phrase(@word) || plainto_tsquery('public.mn_simple', @word)))

--: define normal
lower(mn_unaccent(w.word))

-- $3 words. For each word, at most this many similar ones. Signs have no trigrams, so that all
-- words would be compared with them.
--: define similar_max
10

-- Swapping two letters of a short word may leave no common trigram. For words up to this length,
-- the most frequent words with the same first letter and a similar length count too.
--: define short_max
6
--: define short_words
300

--: query search_similar read custom-plan
SELECT w.word, s.word, s.n FROM unnest($3::text[]) WITH ORDINALITY w(word, place)
CROSS JOIN LATERAL (
	SELECT EXISTS (SELECT 1 FROM vocabulary v WHERE v.word = @normal AND @my_scopes)
		OR @in_shared(@normal) AS known OFFSET 0
) k
LEFT JOIN LATERAL (
	WITH similar_words AS MATERIALIZED (SELECT * FROM mn_similar_words(@normal))
	SELECT word, sum(n) AS n, max(likeness) AS likeness FROM (
		(SELECT v.word, v.n, v.likeness FROM similar_words v WHERE @my_scopes
		ORDER BY v.likeness DESC, v.n DESC LIMIT @similar_max)
		UNION ALL
		(SELECT v.word, v.n, 0 FROM vocabulary v
		WHERE length(@normal) <= @short_max AND v.word LIKE left(@normal, 1) || '%'
			AND length(v.word) BETWEEN length(@normal) - 1 AND length(@normal) + 1
			AND @my_scopes
		ORDER BY v.n DESC LIMIT @short_words)
		UNION ALL
		SELECT * FROM (
			SELECT v.word, 1, v.likeness FROM similar_words v WHERE @sharing_scopes
			ORDER BY v.likeness DESC LIMIT @similar_max
		) v WHERE @in_shared(v.word)
	) u GROUP BY word ORDER BY likeness DESC, n DESC
) s ON NOT k.known
WHERE w.word ~ '[[:alnum:]]' AND (k.known OR s.word IS NOT NULL)
ORDER BY w.place, s.likeness DESC, s.n DESC

-- $2 title, $3 word, $4 limit of each kind. Every series has a season 1, which is no suggestion.

--: define title_key
(SELECT key FROM title)

--: define titles(from, row)
(SELECT m.title, 'title' AS kind, m.id::text AS media_id, m.kind AS media_kind,
m.title_key AS key FROM @from
AND @title_key <> '' AND @starts_with(@row, @title_key) AND @presentable
AND m.kind <> 'season' ORDER BY @row.title_key LIMIT $4::int)

-- One plan: planning with the values took four times as long as all the rest. So words are found by
-- a range instead of LIKE, whose index needs a constant. @scopes are looked at one by one: titles
-- and words are indexed by whose they are, and who sees all would read all of them otherwise.
--: define suggest(titles, scopes)
WITH title AS MATERIALIZED (
	SELECT mn_title_key($2::text) AS key, lower(mn_unaccent($3::text)) AS word)
SELECT title, kind, media_id, media_kind FROM (
	SELECT DISTINCT ON (key) title, kind, media_id, media_kind, key FROM (@titles) t
	ORDER BY key LIMIT $4::int
) t
UNION ALL
(SELECT v.word, 'word', NULL, NULL FROM (@scopes) AS s (scope) CROSS JOIN LATERAL (
	SELECT v.word, v.n FROM vocabulary v WHERE v.scope = s.scope
		AND v.word >= (SELECT word FROM title)
		AND v.word < (SELECT word FROM title) || chr(1114111) OFFSET 0
) v WHERE $3::text <> '' GROUP BY v.word ORDER BY sum(v.n) DESC, v.word LIMIT $4::int)

--: define titles_of(owner)
@titles(media m WHERE @owner AND m.visibility <> 'house' AND m.status <> 'trashed', m)
--: define titles_of_all
@titles(@house, m) UNION ALL @titles_of(m.owner_id IS NULL AND $1::text IS NOT NULL) UNION ALL
(SELECT t.* FROM users u CROSS JOIN LATERAL @titles_of(m.owner_id = u.id) t
ORDER BY t.key LIMIT $4::int)

--: query search_suggest read one-plan
@suggest(@titles(@own, m) UNION ALL @titles(@house, m)
	UNION ALL @titles(@shared_in AND m.status <> 'trashed', sh),
	SELECT 'house' UNION ALL SELECT $1::text)
--: query search_suggest_all read one-plan
@suggest(@titles_of_all, SELECT 'house' UNION ALL SELECT 'nobody'
	UNION ALL SELECT u.id::text FROM users u)
