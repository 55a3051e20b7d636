-- What notifyd asks: of each client, and of what people have been told since. Notes that no longer
-- hold (@note_holds) are left out, as deleted ones are.

-- The data of a row for sockets: the caller's data with the texts added, as notify.c makes it for
-- the live push.
--: define event
n.id, n.seq, n.event, @us(n.created_at), n.data || jsonb_build_object('notification',
	jsonb_build_object('kind', n.kind, 'title', n.title, 'message', n.message))

--: define token_live
t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())

-- A connection belongs to a session or to an API token: $4 is the id of either. $1 user, $2 after
-- or NULL (then: what was written since $3, when the socket opened), $4 sid, $5 generation, $6
-- rows. A known person gives at least one row: its first columns tell whether the session or token
-- is still valid, and the person's counter.
--: query replay_client read
SELECT u.status = 'active' AND u.generation = $5::bigint AND (EXISTS (SELECT FROM sessions s
	WHERE s.id = $4::uuid AND s.user_id = u.id AND s.revoked_at IS NULL
		AND s.expires_at > now())
	OR EXISTS (SELECT FROM api_tokens t
	WHERE t.id = $4::uuid AND t.user_id = u.id AND @token_live))
	AND NOT EXISTS (SELECT FROM revoked_tokens r WHERE r.sid = $4::uuid),
	u.last_seq, f.after, @event
FROM users u CROSS JOIN LATERAL (SELECT coalesce($2::bigint,
	(SELECT b.seq FROM notifications b WHERE b.user_id = u.id
		AND b.created_at < $3::timestamptz ORDER BY b.seq DESC LIMIT 1),
	(SELECT b.seq - 1 FROM notifications b WHERE b.user_id = u.id ORDER BY b.seq LIMIT 1),
	u.last_seq) AS after) f
LEFT JOIN LATERAL (SELECT * FROM notifications n WHERE n.user_id = u.id AND n.seq > f.after
	AND @note_holds($1::uuid) ORDER BY n.seq LIMIT $6::bigint) n ON true
WHERE u.id = $1::uuid ORDER BY n.seq

-- $1 user, $2 after, $3 rows.
--: query replay_person read
SELECT true, u.last_seq, $2::bigint, @event
FROM users u LEFT JOIN LATERAL (SELECT * FROM notifications n WHERE n.user_id = u.id
	AND n.seq > $2::bigint AND @note_holds($1::uuid) ORDER BY n.seq LIMIT $3::bigint) n ON true
WHERE u.id = $1::uuid ORDER BY n.seq

-- Arrays of equal length: users, ids of sessions or API tokens, generations, and the seq of each
-- person's sockets. Returns the differences: index, still valid, last_seq.
--: query replay_check read
SELECT c.i, g.ok, coalesce(u.last_seq, 0)
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])
	WITH ORDINALITY AS c (user_id, sid, generation, seq, i)
LEFT JOIN users u ON u.id = c.user_id
LEFT JOIN sessions s ON s.id = c.sid AND s.user_id = c.user_id AND s.revoked_at IS NULL
	AND s.expires_at > now()
LEFT JOIN api_tokens t ON t.id = c.sid AND t.user_id = c.user_id AND @token_live
LEFT JOIN revoked_tokens r ON r.sid = c.sid
CROSS JOIN LATERAL (SELECT coalesce(u.status = 'active' AND u.generation = c.generation
	AND coalesce(s.id, t.id) IS NOT NULL AND r.sid IS NULL, false) AS ok) g
WHERE NOT g.ok OR u.last_seq <> c.seq

-- The columns of store_settings_from_rows(). notifyd cannot open what is sealed.
--: query replay_settings read
SELECT key, value, false FROM settings WHERE sealed IS NULL
