-- Brings together what one instance knows of the switches and what all of them know. The latest order about a switch
-- holds.
--
-- KEYS  1 the orders (a hash: switch -> "<given> <position>", given in microseconds since 1970)
-- ARGV  three for each order that the instance knows: the switch, when the order was given, the position
-- Returns the same for each switch, in threes, as texts
--
-- Redis 7.0.

local function given(text)
  return tonumber(string.match(text, '^%d+') or 0)
end

for i = 1, #ARGV, 3 do
  local order = ARGV[i + 1] .. ' ' .. ARGV[i + 2]
  local known = redis.call('HGET', KEYS[1], ARGV[i])
  if not known or given(known) < given(order) then
    redis.call('HSET', KEYS[1], ARGV[i], order)
  end
end

local all = {}
local known = redis.call('HGETALL', KEYS[1])
for i = 1, #known, 2 do
  local when, position = string.match(known[i + 1], '^(%d+) (.*)$')
  if when then
    all[#all + 1] = {known[i], when, position}
  end
end
return all
