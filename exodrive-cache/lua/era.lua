-- Names the era of the data set: another one whenever another server process serves it.
--
-- KEYS  1  the era: '<run id> <name>'
-- ARGV  1  the run id of this server
--       2  a random name
-- Returns the name of the era as it is from now on. Redis 7.0.

local era = redis.call('GET', KEYS[1])
if era then
  local run, name = string.match(era, '^(%S+) (%d+)$')
  if run == ARGV[1] then
    return name
  end
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2])
return ARGV[2]
