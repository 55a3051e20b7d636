-- Completes the copy of the revocations for this run of the server.
-- KEYS: 1 epoch, 2 revoked, 3 gen   ARGV: 1 run_id, then sid, Unix expiry in turn
-- Generations are dropped, not loaded: each is read from PostgreSQL at the person's next request.
if redis.call('GET', KEYS[1]) == ARGV[1] then
	return 0
end
for i = 2, #ARGV, 2 do
	redis.call('ZADD', KEYS[2], 'GT', ARGV[i + 1], ARGV[i])
end
redis.call('DEL', KEYS[3])
redis.call('SET', KEYS[1], ARGV[1])
return 1
