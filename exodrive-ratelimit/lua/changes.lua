-- What has been ordered since a version.
--
-- KEYS  1 the version, 2 the orders, 3 the changes, as for order.lua
-- ARGV  1 the time in microseconds, or '' for the server's
--       2 the version that is known
-- Returns the version; the time in microseconds; 1 if everything follows, 0 if only what has changed; then pairs of an
-- id and a line, which is '' for an order that was lifted. Redis 7.0.

local MOST = 1000

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local version = tonumber(redis.call('GET', KEYS[1]) or 0)
local known = ARGV[2]
if version == tonumber(known) then
  return { version, now, 0 }
end

local changes = redis.call('XRANGE', KEYS[3], '(' .. known .. '-0', '+', 'COUNT', MOST)
if changes[1] and #changes < MOST and changes[1][2][2] == known then
  local reply = { version, now, 0 }
  for _, change in ipairs(changes) do
    reply[#reply + 1] = change[2][4]
    reply[#reply + 1] = change[2][6]
  end
  return reply
end

local reply = redis.call('HGETALL', KEYS[2])
table.insert(reply, 1, version)
table.insert(reply, 2, now)
table.insert(reply, 3, 1)
return reply
