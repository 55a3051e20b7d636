-- One round trip of every request: epoch, blacklist, generation, rate windows and the cached
-- answer.
-- KEYS: 1 epoch, 2 revoked, 3 gen, 4 ver, 5 windows of the caller, 6 windows of the address, 7
--       cached answer
-- ARGV: 1 run_id, 2 sid or '', 3 user or '', 4 generation of the token,
--       5 minute, 6 hour limit of the caller's tier, 7, 8 the same for anonymous, 9 class name or
--       '', 10 class minute limit, 11 '1' = look for a cached response,
--       12 longest retry_after, 13 seconds for which the first request for a response is
--       remembered,
--       14 '1' = only ask whether a window is full: what is not refused is not counted
-- Returns {state, limit, remaining, reset, window, retry_after, which, house version, user version,
--       config version, cached or false, 1 = not in the cache but requested before}
-- state: ok, limited, epoch (the copy is from an earlier life of the server), unknown (generation
--       not loaded), revoked, stale
local MINUTE, HOUR = 60, 3600
-- of the counters: the previous bucket of an hour still counts
local WINDOWS_LIFE = 2 * HOUR + MINUTE
-- of retry_after, by further refusals; the limit keeps the power from overflowing
local DOUBLINGS = 12
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local sid, user = ARGV[2], ARGV[3]
local verdict = 'ok'

if sid ~= '' then
	if redis.call('GET', KEYS[1]) ~= ARGV[1] then
		return {'epoch'}
	end
	if redis.call('ZSCORE', KEYS[2], sid) then
		verdict = 'revoked'
	else
		local gen = redis.call('HGET', KEYS[3], user)
		if not gen then
			return {'unknown'}
		elseif gen ~= ARGV[4] then
			verdict = 'stale'
		end
	end
end

local subject, minute, hour = KEYS[5], tonumber(ARGV[5]), tonumber(ARGV[6])
if verdict ~= 'ok' then
	subject, minute, hour = KEYS[6], tonumber(ARGV[7]), tonumber(ARGV[8])
end

-- Sliding window: the previous bucket counts in proportion to the part that the window still
-- covers.
local windows = {}
local function window(name, size, limit)
	if limit > 0 then
		windows[#windows + 1] = {name = name, size = size, limit = limit}
	end
end
window('m', MINUTE, minute)
window('h', HOUR, hour)
if ARGV[9] ~= '' then
	window('c:' .. ARGV[9], MINUTE, tonumber(ARGV[10]))
end

-- One value for each subject: 'refusals second', then ';name bucket count previous' of each window.
local have = redis.call('GET', subject) or ''
local refusals, refused, rest = string.match(have, '^(%d+) (%d+)(.*)$')
local kept = {}
for text, name in string.gmatch(rest or '', '(;([^ ]+) [^;]+)') do
	kept[name] = text
end

local tightest, wait = nil, 0
for i, w in ipairs(windows) do
	w.bucket = math.floor(now / w.size)
	local bucket, n, p = string.match(kept[w.name] or '', '(%d+) (%d+) (%d+)$')
	kept[w.name] = nil
	bucket, w.n, w.p = tonumber(bucket or -1), tonumber(n or 0), tonumber(p or 0)
	if bucket == w.bucket - 1 then
		w.p, w.n = w.n, 0
	elseif bucket ~= w.bucket then
		w.p, w.n = 0, 0
	end
	local part = now / w.size - w.bucket
	local used = w.p * (1 - part) + w.n
	w.remaining = math.floor(w.limit - used - 1)
	w.reset = (1 - part) * w.size
	if used + 1 > w.limit then
		w.remaining = 0
		-- opens in the next bucket, when enough of this one has slid out
		if w.n + 1 > w.limit then
			w.reset = w.reset + w.size * (1 - (w.limit - 1) / w.n)
		else
			w.reset = w.size * ((1 - (w.limit - 1 - w.n) / w.p) - part)
		end
		if w.reset > wait then
			wait = w.reset
		end
		w.full = true
	end
	if not tightest or (w.full and not tightest.full) or (w.full == tightest.full and
		(w.remaining < tightest.remaining or (w.full and w.reset > tightest.reset))) then
		tightest = w
	end
end

local limited, retry = wait > 0, 0
if limited then
	local before = tonumber(refusals or 0)
	retry = math.min(tonumber(ARGV[12]), math.ceil(wait) * 2 ^ math.min(before, DOUBLINGS))
	if refused ~= time[1] then
		redis.call('SET', subject, before + 1 .. ' ' .. time[1] .. (rest or ''), 'EX',
			WINDOWS_LIFE)
	end
elseif ARGV[14] == '1' then
	return {'ok'}
elseif #windows > 0 then
	local new = {'0 0'}
	for _, w in ipairs(windows) do
		new[#new + 1] = string.format(';%s %d %d %d', w.name, w.bucket, w.n + 1, w.p)
	end
	-- the windows of other classes
	for _, text in pairs(kept) do
		new[#new + 1] = text
	end
	redis.call('SET', subject, table.concat(new), 'EX', WINDOWS_LIFE)
end

local reply = {limited and 'limited' or verdict, 0, 0, 0, 0, retry, '', '', '', '', false, 0}
if tightest then
	reply[2], reply[3] = tightest.limit, tightest.remaining
	reply[4], reply[5], reply[7] = math.ceil(now + tightest.reset), tightest.size, tightest.name
end
local ver = redis.call('HMGET', KEYS[4], 'house', 'u:' .. user, 'config')
reply[8], reply[9], reply[10] = ver[1] or '', ver[2] or '', ver[3] or ''
if reply[1] == 'ok' and ARGV[11] == '1' then
	local c = redis.call('HMGET', KEYS[7], 'r', 'h', 'u', 'g', 'c', 'b', 'a')
	if c[1] == ARGV[1] and c[2] == reply[8] and c[3] == reply[9] and c[4] == ARGV[4]
		and c[5] == reply[10] then
		reply[11] = c[6]
	elseif c[1] or c[7] then
		reply[12] = 1
	else
		-- requested once: store the response when it is requested again
		redis.call('HSET', KEYS[7], 'a', '1')
		redis.call('EXPIRE', KEYS[7], ARGV[13])
	end
end
return reply
