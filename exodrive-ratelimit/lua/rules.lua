-- The two ways of counting, as gcra.rs and window.rs have them; prepended to every script.
--
-- Numbers are doubles, which hold every integer up to EXACT. Nothing here computes with a larger one where it matters,
-- divides without taking the remainder off first, or rounds, so that the results are those of 64-bit integers.
--
-- A state is packed, little-endian, with the rule it is kept under:
--   rate    level, time, unit: doubles; drain, burst: 32 bits                    32 bytes
--   window  newest segment, length of a segment: doubles; max: 32 bits;
--           the counts of segments n with n % 11 = 0 to 10: 32 bits each        64 bytes
-- Times are microseconds. A subject without a state is one at rest. Redis 7.0.

local EXACT = 9007199254740991
local MOST = 4294967295
local NEVER = -1
-- A window has ten segments; with the one that is leaving, eleven count.
local COUNTED = 11

local function quotient(a, b)
  return (a - math.fmod(a, b)) / b
end

local function quotient_up(a, b)
  local rest = math.fmod(a, b)
  if rest > 0 then
    return (a - rest) / b + 1
  end
  return a / b
end

local rate = {}

function rate.rule(unit, drain, burst)
  return { unit = unit, drain = drain, burst = burst, capacity = unit * burst }
end

function rate.same(a, b)
  return a.unit == b.unit and a.drain == b.drain and a.burst == b.burst
end

function rate.empty(_, now)
  return { level = 0, at = now }
end

function rate.unpack(value)
  local level, at, unit, drain, burst = struct.unpack('<dddI4I4', value)
  return { level = level, at = at }, rate.rule(unit, drain, burst)
end

function rate.pack(tally, rule)
  return struct.pack('<dddI4I4', tally.level, tally.at, rule.unit, rule.drain, rule.burst)
end

function rate.seen_at(tally, rule, now)
  local drained = math.max(now - tally.at, 0) * rule.drain
  return { level = math.max(tally.level - drained, 0), at = now }
end

function rate.carried(tally, from, to, now)
  local seen = rate.seen_at(tally, from, now)
  if from.unit ~= to.unit then
    seen.level = math.min(quotient_up(seen.level, from.unit) * to.unit, EXACT)
  end
  return seen
end

function rate.charge(tally, rule, cost)
  tally.level = math.min(tally.level + rule.unit * cost, EXACT)
end

function rate.refund(tally, rule, cost, stamp_at, stamp_level)
  local drained = math.max(tally.at - stamp_at, 0) * rule.drain
  local left = math.max(stamp_level - drained, 0)
  tally.level = math.max(tally.level - math.min(rule.unit * cost, left), 0)
end

function rate.in_use(tally)
  return tally.level
end

function rate.remaining(tally, rule)
  return quotient(math.max(rule.capacity - tally.level, 0), rule.unit)
end

function rate.retry_after(tally, rule, cost)
  if cost > rule.burst then
    return NEVER
  end
  if cost == 0 then
    return 0
  end
  -- In this order no sum grows beyond what is exact.
  local excess = tally.level - (rule.capacity - rule.unit * cost)
  return quotient_up(math.max(excess, 0), rule.drain)
end

function rate.reset_after(tally, rule)
  return quotient_up(tally.level, rule.drain)
end

local window = {}

local PACKED = '<ddI4' .. string.rep('I4', COUNTED)

function window.rule(segment, max)
  return { segment = segment, max = max }
end

function window.same(a, b)
  return a.segment == b.segment and a.max == b.max
end

function window.empty(rule, now)
  local counts = {}
  for slot = 0, COUNTED - 1 do
    counts[slot] = 0
  end
  return { newest = quotient(now, rule.segment), counts = counts, at = now }
end

function window.unpack(value)
  local fields = { struct.unpack(PACKED, value) }
  local counts = {}
  for slot = 0, COUNTED - 1 do
    counts[slot] = fields[4 + slot]
  end
  return { newest = fields[1], counts = counts, at = 0 }, window.rule(fields[2], fields[3])
end

function window.pack(tally, rule)
  local counts = tally.counts
  return struct.pack(PACKED, tally.newest, rule.segment, rule.max, counts[0], unpack(counts))
end

local function oldest(newest)
  return math.max(newest - COUNTED + 1, 0)
end

local function add(counts, index, count)
  local slot = index % COUNTED
  counts[slot] = math.min(counts[slot] + count, MOST)
end

function window.seen_at(tally, rule, now)
  local current = quotient(now, rule.segment)
  local seen = { newest = current, counts = tally.counts, at = now }
  if current > tally.newest then
    for index = tally.newest + 1, math.min(current, tally.newest + COUNTED) do
      seen.counts[index % COUNTED] = 0
    end
  elseif current < tally.newest then
    seen.counts = window.empty(rule, now).counts
    for index = oldest(tally.newest), tally.newest do
      add(seen.counts, math.min(index, current), tally.counts[index % COUNTED])
    end
  end
  return seen
end

function window.carried(tally, from, to, now)
  local seen = window.seen_at(tally, from, now)
  if from.segment == to.segment then
    return seen
  end
  local carried = window.empty(to, now)
  local current = carried.newest
  for index = oldest(seen.newest), seen.newest do
    local last_instant = (index + 1) * from.segment - 1
    local target = math.min(quotient(last_instant, to.segment), current)
    if target >= oldest(current) then
      add(carried.counts, target, seen.counts[index % COUNTED])
    end
  end
  return carried
end

function window.charge(tally, _, cost)
  add(tally.counts, tally.newest, cost)
end

function window.refund(tally, rule, cost, stamp_at)
  local index = quotient(stamp_at, rule.segment)
  if index >= oldest(tally.newest) and index <= tally.newest then
    local slot = index % COUNTED
    tally.counts[slot] = math.max(tally.counts[slot] - cost, 0)
  end
end

function window.in_use(tally)
  local total = 0
  for slot = 0, COUNTED - 1 do
    total = total + tally.counts[slot]
  end
  return total
end

function window.remaining(tally, rule)
  return math.max(rule.max - window.in_use(tally), 0)
end

local function leaves_after(tally, rule, index)
  return math.max((index + COUNTED) * rule.segment - tally.at, 0)
end

function window.retry_after(tally, rule, cost)
  if cost > rule.max then
    return NEVER
  end
  local excess = window.in_use(tally) + cost - rule.max
  if cost == 0 or excess <= 0 then
    return 0
  end
  for index = oldest(tally.newest), tally.newest do
    excess = excess - tally.counts[index % COUNTED]
    if excess <= 0 then
      return leaves_after(tally, rule, index)
    end
  end
  return NEVER
end

function window.reset_after(tally, rule)
  for index = tally.newest, oldest(tally.newest), -1 do
    if tally.counts[index % COUNTED] > 0 then
      return leaves_after(tally, rule, index)
    end
  end
  return 0
end

local kinds = { g = rate, w = window }

-- The time, and for how long a state outlives its own end.
-- A time that is given is not the time by which the server expires keys, so then states are kept for an hour more.
local function time(given)
  if given ~= '' then
    return tonumber(given), 3600000
  end
  local now = redis.call('TIME')
  return now[1] * 1000000 + now[2], 0
end

-- The state at a key as it stands now, under the rule; `kept_under` is the rule it was found under, if any.
local function read(key, kind, rule, now)
  local value = redis.call('GET', key)
  if not value then
    return kind.empty(rule, now), nil
  end
  local tally, kept_under = kind.unpack(value)
  if kind.same(kept_under, rule) then
    return kind.seen_at(tally, rule, now), kept_under
  end
  return kind.seen_at(kind.carried(tally, kept_under, rule, now), rule, now), kept_under
end

local function write(key, kind, tally, rule, outlives)
  local rest = kind.reset_after(tally, rule)
  if rest == 0 then
    redis.call('DEL', key)
  else
    local expiry = string.format('%.0f', quotient_up(rest, 1000) + outlives)
    redis.call('SET', key, kind.pack(tally, rule), 'PX', expiry)
  end
end
