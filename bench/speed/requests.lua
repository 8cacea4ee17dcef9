-- wrk sends the requests of a file, in their order and from the start again, and
-- says at the end in one line what came of it.
--
--   wrk -s requests.lua URL -- FILE [ANSWER [PAUSE]]
--
-- Each line of the file is a path below the URL and a form, with a space between.
-- With an ANSWER that is not empty every other answer is counted as wrong. A connection
-- waits PAUSE milliseconds before its next request, on average.

local requests, threads = {}, {}
local at = -1 -- wrk asks for one request more at first, and does not send it
wrong = 0

function setup(thread) table.insert(threads, thread) end

function init(args)
	wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
	local base = wrk.path:gsub("/$", "")
	for line in io.lines(args[1]) do
		local path, form = line:match("^(%S+) (.*)$")
		table.insert(requests, wrk.format("POST", base .. path, nil, form))
	end
	if args[3] then
		delay = function() return math.random(0, 2 * args[3]) end
	end
	if args[2] and args[2] ~= "" then
		response = function(_, _, body)
			if body ~= args[2] .. "\n" then wrong = wrong + 1 end
		end
	end
end

function request()
	at = at % #requests + 1
	return requests[at]
end

function done(summary, latency)
	local e, all = summary.errors, 0
	for _, thread in ipairs(threads) do all = all + thread:get("wrong") end
	print(string.format("answers=%d microseconds=%d broken=%d wrong=%d p50=%d p99=%d",
		summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout,
		e.status + all, latency:percentile(50), latency:percentile(99)))
end
