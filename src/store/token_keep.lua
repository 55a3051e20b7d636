-- Keeps whose an API token is, as PostgreSQL said when it was asked after `asked`.
-- KEYS: 1 epoch, 2 gen, 3 what is kept of the token
-- ARGV: 1 run_id, 2 asked (Unix time of this server), 3 user, 4 generation, 5 role, 6 tier, 7 scopes, 8 id of the token, 9 its expiry or 0,
--       10 seconds for which it is fresh, 11 seconds for which it is kept
-- It is fresh from `asked` on, however long this took: a revocation that came in between is in `revoked` for longer than that.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
	return 0
end
local have = redis.call('HGET', KEYS[2], ARGV[3])
if not have or tonumber(have) < tonumber(ARGV[4]) then
	redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
end
redis.call('HSET', KEYS[3], 'r', ARGV[1], 'u', ARGV[3], 'g', ARGV[4], 'o', ARGV[5], 't', ARGV[6], 's', ARGV[7], 'i', ARGV[8], 'x', ARGV[9],
	'f', ARGV[2] + ARGV[10])
redis.call('EXPIRE', KEYS[3], ARGV[11])
return 1
