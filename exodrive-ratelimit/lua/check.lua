-- Decides all charges of one request: measures every one, and makes them only if every one that is enforced fits.
--
-- KEYS  one state for each charge; then perhaps the version of the orders
-- ARGV  1       the time in microseconds, or '' for the server's
--       2       '1' to measure only and refuse in any case, else '0'
--       then 6 for each charge:
--         kind    'g' rate, 'w' window
--         a, b, c rate: unit, drain per microsecond, burst; window: length of a segment in microseconds, max, 0
--         cost    in tokens
--         shadow  '1' if the charge can refuse nothing, '0' if it can
-- Returns integers: 1 if admitted, else 0; the time in microseconds; the version, 0 if there is none, -1 if it was not
-- asked for; then 4 for each charge:
--         remaining in tokens; microseconds until it fits, 0 if it does now, -1 if never;
--         microseconds until the subject is at rest; what is in use, in units of the rule
-- A charge was made if the request is admitted and the charge fits.

local now, outlives = time(ARGV[1])
local admitted = ARGV[2] == '0'
local charges = {}

for n = 1, (#ARGV - 2) / 6 do
  local key, first = KEYS[n], n * 6 - 3
  local kind = kinds[ARGV[first]]
  local rule = kind.rule(tonumber(ARGV[first + 1]), tonumber(ARGV[first + 2]), tonumber(ARGV[first + 3]))
  local cost = tonumber(ARGV[first + 4])
  local tally = read(key, kind, rule, now)
  local retry_after = kind.retry_after(tally, rule, cost)
  if retry_after ~= 0 and ARGV[first + 5] == '0' then
    admitted = false
  end
  charges[n] = { kind = kind, rule = rule, cost = cost, tally = tally, retry_after = retry_after }
end

local version = -1
if KEYS[#charges + 1] then
  version = tonumber(redis.call('GET', KEYS[#charges + 1]) or 0)
end

local reply = { admitted and 1 or 0, now, version }
for n, charge in ipairs(charges) do
  local key = KEYS[n]
  local kind, rule, tally = charge.kind, charge.rule, charge.tally
  if admitted and charge.retry_after == 0 and charge.cost > 0 then
    kind.charge(tally, rule, charge.cost)
    write(key, kind, tally, rule, outlives)
  end
  local last = #reply
  reply[last + 1] = kind.remaining(tally, rule)
  reply[last + 2] = charge.retry_after
  reply[last + 3] = kind.reset_after(tally, rule)
  reply[last + 4] = kind.in_use(tally)
end
return reply
