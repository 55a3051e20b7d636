-- Caches the owner of an API token, which PostgreSQL returned to a query sent at `asked`.
-- KEYS: 1 epoch, 2 gen, 3 the token's entry
-- ARGV: 1 run_id, 2 asked (Unix time of this server), 3 user, 4 generation, 5 role, 6 tier, 7
--       scopes, 8 id of the token, 9 its expiry or 0,
--       10 seconds for which the entry is fresh, 11 seconds for which it is stored
-- The entry is fresh from `asked` on, however long the query took: a revocation in between stays in
-- `revoked` for longer.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
	return 0
end
local have = redis.call('HGET', KEYS[2], ARGV[3])
if not have or tonumber(have) < tonumber(ARGV[4]) then
	redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
end
redis.call('HSET', KEYS[3], 'r', ARGV[1], 'u', ARGV[3], 'g', ARGV[4], 'o', ARGV[5], 't', ARGV[6],
	's', ARGV[7], 'i', ARGV[8], 'x', ARGV[9],
	'f', ARGV[2] + ARGV[10])
redis.call('EXPIRE', KEYS[3], ARGV[11])
return 1
