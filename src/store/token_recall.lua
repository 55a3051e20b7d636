-- Returns the owner of an API token as cached by token_keep.lua.
-- KEYS: 1 epoch, 2 revoked, 3 gen, 4 the token's entry   ARGV: 1 run_id
-- Returns {state, Unix time, user, generation, role, tier, scopes, id of the token}
-- state: fresh; old (for counting only: PostgreSQL must be asked); unknown; epoch (the copy is from
--       an earlier life of the server)
local now = redis.call('TIME')[1]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
	return {'epoch', now}
end
local t = redis.call('HMGET', KEYS[4], 'u', 'g', 'o', 't', 's', 'r', 'i', 'x', 'f')
local user, generation, life, id, expiry, fresh = t[1], t[2], t[6], t[7], t[8], t[9]
if not user then
	return {'unknown', now}
end
local state = 'fresh'
if life ~= ARGV[1] or redis.call('HGET', KEYS[3], user) ~= generation
	or redis.call('ZSCORE', KEYS[2], id) or tonumber(fresh) <= tonumber(now)
	or (expiry ~= '0' and tonumber(expiry) <= tonumber(now)) then
	state = 'old'
end
return {state, now, user, generation, t[3], t[4], t[5], id}
