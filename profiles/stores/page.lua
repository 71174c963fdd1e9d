-- The next rows of a sorted set: the highest score first, then the highest member.
-- KEYS: the set; perhaps a second one, to which the members must belong as well
-- ARGV: how many rows, then score and member of the row that they follow ('' begins at the top)
-- Answers {member, score, …}
local count, score, after = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local MOST = 1000 -- rows of one step; Lua's unpack takes some 8,000

-- As Redis orders members. Lua's own `<` follows the server's locale.
local function is_below(one, other)
  for i = 1, math.min(#one, #other) do
    local a, b = string.byte(one, i), string.byte(other, i)
    if a ~= b then
      return a < b
    end
  end
  return #one < #other
end

-- Where to go on: a search by halves among those of the same score, so that a tie of any size costs no more, and the
-- row that is followed may have gone.
local function place_in(key)
  if score == '' then
    return 0
  end
  local low = redis.call('ZCOUNT', key, '(' .. score, '+inf')
  local high = low + redis.call('ZCOUNT', key, score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_below(redis.call('ZREVRANGE', key, middle, middle)[1], after) then
      high = middle
    else
      low = middle + 1
    end
  end
  return low
end

-- Both sets at once: for a segment that is small, or whose members are far down the other set.
local function intersected(key, segment)
  local common = redis.call('ZINTER', 2, key, segment, 'WEIGHTS', 1, 0, 'WITHSCORES')
  local rows, bound = {}, tonumber(score)
  for i = #common - 1, 1, -2 do
    local member, value = common[i], bound and tonumber(common[i + 1])
    if not bound or value < bound or (value == bound and is_below(member, after)) then
      rows[#rows + 1] = member
      rows[#rows + 1] = common[i + 1]
      if #rows == 2 * count then
        break
      end
    end
  end
  return rows
end

-- Down the first set in growing steps, keeping who is in the segment, as long as that may be less than the segment.
local function members_of(key, segment)
  local place, size, walked, step, rows = place_in(key), redis.call('ZCARD', segment), 0, count, {}
  while walked + step <= size / 2 do
    local found = redis.call('ZREVRANGE', key, place + walked, place + walked + step - 1, 'WITHSCORES')
    if #found == 0 then
      return rows
    end
    local members = {}
    for i = 1, #found, 2 do
      members[#members + 1] = found[i]
    end
    local since = redis.call('ZMSCORE', segment, unpack(members))
    for i, member in ipairs(members) do
      if since[i] then
        rows[#rows + 1] = member
        rows[#rows + 1] = found[2 * i]
        if #rows == 2 * count then
          return rows
        end
      end
    end
    walked, step = walked + step, math.min(2 * step, MOST)
  end
  return intersected(key, segment)
end

if KEYS[2] then
  return members_of(KEYS[1], KEYS[2])
end
local place = place_in(KEYS[1])
return redis.call('ZREVRANGE', KEYS[1], place, place + count - 1, 'WITHSCORES')
