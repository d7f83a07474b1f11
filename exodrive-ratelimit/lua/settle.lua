-- Corrects charges to what they should have been.
--
-- KEYS  one state for each settlement
-- ARGV  1       the time in microseconds, or '' for the server's
--       then 8 for each settlement:
--         kind, a, b, c          the rule it was charged under, as for check.lua
--         refund, extra          tokens to give back and to charge in addition; one of them is 0
--         stamp time, level      microseconds, and units in use right after the charge
-- Returns 0. Where the state is gone or kept under another rule, nothing is given back.

local now, outlives = time(ARGV[1])

for n, key in ipairs(KEYS) do
  local first = n * 8 - 6
  local kind = kinds[ARGV[first]]
  local arg = {}
  for i = 1, 7 do
    arg[i] = tonumber(ARGV[first + i])
  end
  local rule = kind.rule(arg[1], arg[2], arg[3])
  local refund, extra = arg[4], arg[5]
  local tally, kept_under = read(key, kind, rule, now)
  if refund > 0 and kept_under and kind.same(kept_under, rule) then
    kind.refund(tally, rule, refund, arg[6], arg[7])
    write(key, kind, tally, rule, outlives)
  elseif extra > 0 then
    kind.charge(tally, rule, extra)
    write(key, kind, tally, rule, outlives)
  end
end
return 0
