-- Sets a person's generation, never lowering it. KEYS: 1 epoch, 2 gen   ARGV: 1 run_id, 2 user, 3
-- generation
-- With another run_id, the value from PostgreSQL may be older than the reload, so nothing is set.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
	return 0
end
local have = redis.call('HGET', KEYS[2], ARGV[2])
if not have or tonumber(have) < tonumber(ARGV[3]) then
	redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
end
return 1
