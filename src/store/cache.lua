-- Stores a response together with the versions it depends on. KEYS: 1 cached answer   ARGV: run_id,
-- house, user, generation, config version, TTL, body
redis.call('HSET', KEYS[1], 'r', ARGV[1], 'h', ARGV[2], 'u', ARGV[3], 'g', ARGV[4], 'c', ARGV[5],
	'b', ARGV[7])
redis.call('EXPIRE', KEYS[1], ARGV[6])
return 1
