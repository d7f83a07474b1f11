-- Puts an order in force, or lifts one.
--
-- KEYS  1 the version, 2 the orders (a hash of lines by id), 3 the changes (a stream), 4 the ends (ids by time)
-- ARGV  1 the time in microseconds, or '' for the server's
--       2 the id
--       3 the order as a line, or '' to lift it
--       4 for how many microseconds, or '' for ever
--       5 how many orders there may be
-- Returns 1, or 0 if there is no room for another order.
--
-- A version is a time or, where that has been taken, one more than the last: whoever knows one of before a server lost
-- its data sees that it is another. The changes are numbered by their versions, each beside the one before it, so that
-- a gap can be seen. Redis 7.0.

local function exact(number)
  return string.format('%.0f', number)
end

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- What is over is removed as others come in; nobody needs to be told, since all can tell the time.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', exact(now), 'LIMIT', 0, 16)) do
  redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[4], id)
end

local id, line, lasting = ARGV[2], ARGV[3], ARGV[4]
if line == '' then
  redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[4], id)
else
  if redis.call('HEXISTS', KEYS[2], id) == 0 and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[5]) then
    return 0
  end
  if lasting == '' then
    line = '- ' .. line
    redis.call('ZREM', KEYS[4], id)
  else
    local ends = exact(now + tonumber(lasting))
    line = ends .. ' ' .. line
    redis.call('ZADD', KEYS[4], ends, id)
  end
  redis.call('HSET', KEYS[2], id, line)
end

local before = tonumber(redis.call('GET', KEYS[1]) or 0)
local version = math.max(before + 1, now)
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
if last then
  version = math.max(version, tonumber(string.match(last[1], '^%d+')) + 1)
end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', 1000, exact(version) .. '-0', 'after', exact(before), 'id', id, 'line', line)
redis.call('SET', KEYS[1], exact(version))
return 1
