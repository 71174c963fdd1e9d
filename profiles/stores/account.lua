-- Replaces or removes an account as it was read, so that of two changes at once none is lost, and some admin who may
-- sign in always stays.
-- KEYS: accounts. ARGV: name, account as it was read, account as it shall be ('' removes it), '1' to let nobody stay.
local function rules(text)
  local fine, account = pcall(cjson.decode, text)
  return fine and account.role == 'admin' and not account.disabled
end

if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 'changed' end
if ARGV[4] ~= '1' and rules(ARGV[2]) and not rules(ARGV[3]) then
  local held, others = redis.call('HGETALL', KEYS[1]), false
  for at = 1, #held, 2 do others = others or (held[at] ~= ARGV[1] and rules(held[at + 1])) end
  if not others then return 'last' end
end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 'done'
