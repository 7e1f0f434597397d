-- What wrk sends: the requests of a file in rotation, from a position on; and its report as JSON.

local requests = {}
local position

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for request in file:read("*a"):gmatch("%Z+") do
    requests[#requests + 1] = request
  end
  file:close()
  position = tonumber(args[2])
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function done(summary)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  print(string.format('{"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d}',
    summary.requests, summary.duration / 1e6, errors.status, broken))
end
