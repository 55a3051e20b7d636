-- wrk: GET of the list, warm (the same page each time) or cold (a page from another place each
-- time). Arguments after `--`: mode, path, cursor letter, newest us, oldest us, a UUID.
-- Environment: BENCH_TOKEN.
local digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

local function base64url(text)
	local out = {}
	for i = 1, #text, 3 do
		local a, b, c = text:byte(i, i + 2)
		local n = a * 65536 + (b or 0) * 256 + (c or 0)
		local chars = c and 4 or b and 3 or 2
		for k = 1, chars do
			local d = math.floor(n / 64 ^ (4 - k)) % 64
			out[#out + 1] = digits:sub(d + 1, d + 1)
		end
	end
	return table.concat(out)
end

local threads = 0

function setup(thread)
	threads = threads + 1
	thread:set('number', threads)
end

function init(args)
	mode, path, letter = args[1], args[2], args[3]
	newest, oldest, uuid = tonumber(args[4]), tonumber(args[5]), args[6]
	math.randomseed(os.time() * 64 + number)
	wrk.headers['Authorization'] = 'Bearer ' .. os.getenv('BENCH_TOKEN')
	warm = wrk.format('GET', path)
end

function request()
	if mode ~= 'cold' then
		return warm
	end
	local at = newest - math.floor(math.random() * (newest - oldest))
	local cursor = base64url(string.format('%s%s.%.0f.', letter, uuid, at))
	return wrk.format('GET', path .. '&cursor=' .. cursor)
end

function done(summary, latency)
	local errors = summary.errors
	io.write(string.format('{"requests":%d,"us":%d,"p50":%d,"p99":%d,"max":%d,',
		summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
		latency.max))
	io.write(string.format('"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
		errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
