-- wrk: each request is the next trainee's next save; the file's lines are path, cookie, token and slots
local lines, sent = {}, 0

function init(arguments)
  seq = tonumber(arguments[2])
  for text in io.lines(arguments[1]) do
    local line = {}
    for part in string.gmatch(text, "[^\t]+") do line[#line + 1] = part end
    lines[#lines + 1] = line
  end
end

function request()
  local line, round = lines[sent % #lines + 1], math.floor(sent / #lines)
  sent = sent + 1
  local slot = line[4 + round % (#line - 3)]
  local body = string.format('{"seq":%d,"value":"2","client_time":"2026-05-16T01:00:00.000Z"}', seq + round)
  local headers = {["Cookie"] = line[2], ["X-CSRF-Token"] = line[3], ["Content-Type"] = "application/json"}
  return wrk.format("PUT", line[1] .. slot, headers, body)
end
