-- wrk: PUT of objects, each under a key of its own, to presigned URLs. Arguments after `--`: a file
-- with a target in each line, the number of threads, bytes of a body.
local threads = 0

function setup(thread)
	threads = threads + 1
	thread:set('number', threads)
end

function init(args)
	local all, body = tonumber(args[2]), string.rep('x', tonumber(args[3]))
	local n = 0
	requests, at = {}, 0
	for target in io.lines(args[1]) do
		n = n + 1
		if n % all + 1 == number then
			requests[#requests + 1] = wrk.format('PUT', target, {}, body)
		end
	end
end

function request()
	at = at % #requests + 1
	return requests[at]
end

function done(summary, latency)
	local e = summary.errors
	io.write(string.format('{"requests":%d,"us":%d,"p50":%d,"p99":%d,"status":%d,"connect":%d,'
	    .. '"read":%d,"write":%d,"timeout":%d}\n',
		summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
		e.status, e.connect, e.read, e.write, e.timeout))
end
